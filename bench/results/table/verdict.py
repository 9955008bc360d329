"""What a value says of the published figure beside it."""

from typing import Literal

from bench.results.table.model import Score

Verdict = Literal["", "within noise", "above", "below", "synthetic: not comparable"]


def verdict(score: Score) -> Verdict:
    """Whether the published figure lies in the value's 95 % interval, or the value is above or below it.

    Empty without a value or a published figure. Without an interval only the same figure is within noise.
    """
    if score.value is None or score.published is None:
        return ""
    if score.difference is None:
        return "synthetic: not comparable"
    low, high = (score.value if bound is None else bound for bound in (score.low, score.high))
    if low <= score.published <= high:
        return "within noise"
    return "above" if score.value > score.published else "below"
