"""Readers of the official datasets, stand-ins drawn by the project, and what both give to everything else."""
