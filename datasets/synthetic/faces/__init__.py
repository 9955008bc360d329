"""Procedural faces with exact ground truth."""
