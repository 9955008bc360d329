"""StyleGAN2 (Karras et al., CVPR 2020) with the e4e encoder (Tov et al., SIGGRAPH 2021): images as W+ codes."""
