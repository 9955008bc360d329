"""The one training loop that every method shares."""
