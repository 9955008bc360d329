"""What options mean where they are left out, as far as several commands share them. Imports nothing of the project."""

from pathlib import Path

STORE = Path("results") / "store"
SUITE = "pdr-bench"
