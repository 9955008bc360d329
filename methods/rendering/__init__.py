"""Differentiable rendering of meshes and depth maps, with Neural Mesh Renderer's numbers and Unsup3D's camera."""
