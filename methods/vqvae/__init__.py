"""VQ-VAE (van den Oord et al., "Neural Discrete Representation Learning", NeurIPS 2017), the PDR paper's baseline."""

from methods.vqvae.method import VQVAE, VQVAEConfig

__all__ = ["VQVAE", "VQVAEConfig"]
