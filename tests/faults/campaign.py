"""What the campaigns of faults share: how long they are, and how many cases each has tried, for `results/faults.md`."""

import os
import random
from collections import Counter

from hypothesis import HealthCheck, settings

# Others are tried at each run, and many; without it the same few.
LONG = os.environ.get("FAULTS") == "long"
# Seconds within which whatever is tried comes to an end.
SECONDS = 5.0
TRIED: Counter[str] = Counter()


def tried(what: str) -> None:
    """Count a case of a campaign: `folder of its tests: what it tries`."""
    TRIED[what] += 1


def drawn(few: int, many: int) -> settings:
    """Hypothesis's settings of a campaign of few cases, or of many."""
    return settings(
        max_examples=many if LONG else few,
        derandomize=not LONG,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def generator(case: object) -> random.Random:
    """Chance of a case: the same at each run, but in the long campaign."""
    return random.Random(os.urandom(8) if LONG else str(case))
