"""GANverse3D (Zhang et al., ICLR 2021): textured meshes predicted from one image."""
