"""How many cases each campaign of faults has tried, for `results/faults.md`."""

from collections import Counter

TRIED: Counter[str] = Counter()


def tried(what: str) -> None:
    """Count a case of a campaign: `folder of its tests: what it tries`."""
    TRIED[what] += 1
