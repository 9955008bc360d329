"""DatasetGAN's style interpreter: an ensemble of small classifiers of single pixels, on any network's maps."""
