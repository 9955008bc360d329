"""Segmentation into parts from a few labelled images."""
