"""Differentiable rendering: depth with Neural Mesh Renderer's numbers and Unsup3D's camera, textures with DIB-R's."""
