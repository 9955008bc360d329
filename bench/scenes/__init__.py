"""A user's own images, taken apart by a trained model and rendered anew."""
