"""What is bold, and what is better than `random_init`: the rule, and by simulation how often it is wrong."""

from typing import Any

import numpy as np
import pytest
from record_factory import record

from bench.pipeline.records import Record
from bench.results.resampled import Drawn
from bench.results.table import build
from bench.results.table.compared import compared
from bench.results.table.model import Row, Score
from bench.results.trainings import Trainings
from datasets.streams import generator
from tasks.metrics.paired import resamples
from tasks.results import Metric

UNITS, DRAWS = 100, 100
WEIGHTS = resamples(UNITS, DRAWS, generator(0, "test", "units")) / UNITS
ACCURACY = Metric("accuracy", low=None, high=None)
# Records that nothing but their seeds and scores tell apart, made once: thousands of tables are simulated.
TRAINED = [record(seed=seed) for seed in range(8)]
UNTRAINED = record("raw_pixels", trained=False, training={})


def simulated(values: np.ndarray) -> Trainings:
    """A row of one number per training and unit (S, U); of no training where S is 1."""
    known = [UNTRAINED] if len(values) == 1 else TRAINED[: len(values)]
    records = [
        one.model_copy(update={"metrics": {"accuracy": float(own.mean())}})
        for one, own in zip(known, values, strict=True)
    ]
    drawn = [Drawn("units", UNITS, {"accuracy": WEIGHTS @ own}) for own in values]
    return Trainings("accuracy", tuple(records), tuple(drawn))


def bold(table: list[Trainings], names: list[str] | None = None) -> list[Score]:
    names = names or [f"method{place}" for place in range(len(table))]
    rows = [Row(name, False, False, (Score("ok", value=one.mean),)) for name, one in zip(names, table, strict=True)]
    return [row.scores[0] for row in compared(rows, [ACCURACY], [[one] for one in table])]


def drawn(means: list[float], seeds: int, rng: np.random.Generator) -> list[Trainings]:
    """Rows of some true means, on the same units, which are as hard for all; what is shared cancels in pairs."""
    shared, trained = rng.normal(0, 1, UNITS), rng.normal(0, 0.1, seeds)
    return [
        simulated(
            mean
            + shared
            + trained[:, None]
            + rng.normal(0, 0.1, (seeds, 1))
            + rng.normal(0, 0.5, UNITS)
            + rng.normal(0, 0.5, (seeds, UNITS))
        )
        for mean in means
    ]


def test_a_row_that_is_alone_is_the_best_of_nothing() -> None:
    """Of rows of one training each and one of none, as a first run gives them, no one is told from another."""
    rng = np.random.default_rng(0)
    alone = simulated(rng.normal(0.5, 1, (1, UNITS)))
    assert alone.compared
    once = Trainings("accuracy", (TRAINED[0].model_copy(update={"metrics": {"accuracy": 0.1}}),), alone.drawn)
    assert not once.compared
    assert [score.best for score in bold([alone, once])] == [False, False]
    two = [alone, simulated(rng.normal(5, 1, (1, UNITS)))]
    assert [score.best for score in bold(two)] == [False, True]


@pytest.mark.parametrize("seeds", [3, 5])
def test_rows_that_are_alike_are_told_apart_in_5_percent_of_tables(seeds: int) -> None:
    """Nine rows, of which any may come out best: how often one or more of them is not bold."""
    rng = generator(0, "test", "alike", seeds)
    found = [bold(drawn([0.0] * 9, seeds, rng)) for _ in range(200)]
    assert np.mean([not all(score.best for score in scores) for scores in found]) <= 0.07


@pytest.mark.parametrize("spread", [0.1, 0.16, 0.3])
def test_so_they_are_where_three_trainings_vary_far_more_than_units(spread: float) -> None:
    rng = generator(0, "test", "alike", f"{spread}")
    found = []
    for _ in range(150):
        own = rng.normal(0, spread, (9, 3, 1)) + rng.normal(0, 0.5, (9, 1, UNITS))
        found.append(bold([simulated(values) for values in own]))
    assert np.mean([not all(score.best for score in scores) for scores in found]) <= 0.07


def test_the_truly_best_row_is_bold_and_what_is_far_below_is_not() -> None:
    rng = generator(0, "test", "best")
    found = [bold(drawn([0.1, 0.1, *np.linspace(0, 0.05, 3), -2, -2, -2, -3], 5, rng)) for _ in range(60)]
    assert np.mean([scores[0].best for scores in found]) >= 0.95
    assert np.mean([any(score.best for score in scores[5:]) for scores in found]) <= 0.05


def test_pairs_of_rows_that_are_alike_are_told_apart_in_5_percent_of_tables() -> None:
    rng = generator(0, "test", "pair")
    found = [bold(drawn([0.0, 0.0], 5, rng)) for _ in range(400)]
    assert np.mean([not all(score.best for score in scores) for scores in found]) <= 0.07


def test_random_init_is_beaten_by_chance_in_5_percent_of_tables() -> None:
    """Eight rows as good as it: how often any of them is said to be better or worse."""
    rng = generator(0, "test", "standing")
    names = ["random_init", *(f"method{place}" for place in range(8))]
    found = [bold(drawn([0.0] * 9, 5, rng), names) for _ in range(200)]
    assert np.mean([any(score.standing in ("better", "worse") for score in scores) for scores in found]) <= 0.07
    scores = bold(drawn([0.0, 3.0, -3.0, 0.0], 5, rng), names[:4])
    assert [score.standing for score in scores] == ["", "better", "worse", "not told apart"]


def test_shared_difficulty_does_not_hide_a_difference() -> None:
    """One row is always 0.3 above another: their intervals overlap widely, the pairs do not."""
    rng = generator(0, "test", "paired")
    shared = rng.normal(0, 2, UNITS) + rng.normal(0, 0.2, (5, 1))
    lower, upper = simulated(shared + rng.normal(0, 0.1, (5, UNITS))), simulated(shared + 0.3)
    assert upper.mean - upper.estimate.half < lower.mean
    assert [score.best for score in bold([lower, upper])] == [False, True]


def test_a_row_without_trainings_is_compared_over_units() -> None:
    rng = generator(0, "test", "units alone")
    shared = rng.normal(0, 1, UNITS)
    pixels = simulated((shared + 0.5 + rng.normal(0, 0.1, UNITS))[None])
    below = simulated(shared + rng.normal(0, 0.1, (3, UNITS)))
    scores = bold([pixels, below])
    assert [score.best for score in scores] == [True, False]
    assert scores[1].p_best is not None
    assert scores[1].p_best < 0.01


def several(method: str, values: list[float], **changes: Any) -> list[Record]:
    return [record(method, seed=seed, value=value, half=0.002, **changes) for seed, value in enumerate(values)]


def marked(records: list[Record]) -> list[str]:
    (section,) = build(records).sections
    return [row.method for row in section.rows if row.scores[0].best]


def test_rows_of_one_or_two_trainings_are_never_bold() -> None:
    records = [*several("vqvae", [0.40, 0.41, 0.42]), *several("pdr", [0.39, 0.42, 0.41]), *several("ris", [0.9, 0.9])]
    assert marked(records) == ["vqvae", "pdr"]
    assert marked([*records, *several("pdr_loocc_l", [0.60, 0.61, 0.62])]) == ["pdr_loocc_l"]
    assert marked(several("ris", [0.9])) == []
    (section,) = build(records).sections
    row = next(row for row in section.rows if row.method == "ris")
    assert (row.trainings, row.scores[0].p_best, row.scores[0].standing) == (2, None, "")
    text = " ".join(build(records).captions)
    assert "Of fewer than 3 trainings, so neither ranked nor judged: ris." in text
    assert "Bold: of the other rows" in text


def test_what_is_not_ranked_is_never_bold() -> None:
    for metric in (Metric("accuracy", ranked=False, higher_is_better=False), Metric("accuracy", higher_is_better=None)):
        records = [
            *several("vqvae", [0.40, 0.41, 0.42], declared=[metric]),
            *several("pdr", [0.9, 0.91, 0.92], declared=[metric]),
        ]
        assert marked(records) == []
    assert any(text.startswith("Not ranked: mean_pcc") for text in build(pcc()).captions)


def pcc() -> list[Record]:
    metric = Metric("mean_pcc", ranked=False, higher_is_better=False)
    return [record("pdr", "pcc:bbt", metrics={"mean_pcc": 0.2}, intervals={}, declared=[metric])]


def test_less_may_be_better() -> None:
    metric = Metric("accuracy", higher_is_better=False)
    records = [
        *several("vqvae", [0.40, 0.41, 0.42], declared=[metric]),
        *several("pdr", [0.9, 0.91, 0.92], declared=[metric]),
        *several("random_init", [0.6, 0.61, 0.62], declared=[metric]),
    ]
    assert marked(records) == ["vqvae"]
    (section,) = build(records).sections
    assert [row.scores[0].standing for row in section.rows[:2]] == ["better", "worse"]
