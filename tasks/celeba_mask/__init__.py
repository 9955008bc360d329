"""Segmentation of faces into parts."""
