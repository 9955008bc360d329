"""Keypoints from a few labelled images."""
