"""Scenes rendered under new views and lights, against the truth."""
