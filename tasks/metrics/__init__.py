"""Metrics as functions of arrays; tasks share them."""
