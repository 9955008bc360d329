"""Datasets drawn by the project, of the shape of their real counterparts and with complete ground truth."""
