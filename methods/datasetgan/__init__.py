"""DatasetGAN (Zhang et al., 2021): a generator that labels the images it makes, taught by a few labelled ones."""
