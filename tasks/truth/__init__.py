"""Scenes that methods take images apart into, against the truth."""
