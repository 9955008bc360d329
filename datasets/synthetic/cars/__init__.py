"""Drawn cars: parametric meshes of five classes and of everyday cars, rendered by the project's rasteriser."""
