"""Attributes of faces from few labelled images."""
