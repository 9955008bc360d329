"""Clustering by Ward's method, scored against labels."""
