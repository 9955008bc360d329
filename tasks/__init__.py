"""Downstream evaluations: what features, models and scenes are worth."""
