"""Representation learners, one family per file or package, and what they are built on."""
