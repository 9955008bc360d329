"""Seeds by number or by source of variation, as text and back."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.grid.seeds import Seeds, parse_seed, parse_seeds, varied
from bench.pipeline.records import Record
from datasets.errors import BenchError


@pytest.mark.parametrize(("text", "seeds"), [("0", (0,)), ("2,0,2", (2, 0)), ("0-2,7", (0, 1, 2, 7))])
def test_one_number_is_behind_everything(text: str, seeds: tuple[int, ...]) -> None:
    assert parse_seeds(text) == tuple(Seeds(seed, seed, seed) for seed in seeds)


def test_sources_of_variation_apart() -> None:
    assert parse_seeds("fit=0-1") == (Seeds(0, 0, 0), Seeds(1, 0, 0))
    assert parse_seeds("fit=3; evaluate=0,1") == (Seeds(3, 0, 0), Seeds(3, 0, 1))


@pytest.mark.parametrize("text", ["", "a", "-1", "1-", "fit", "fits=1", "fit=", "fit=1;2"])
def test_anything_else_says_what_was_expected(text: str) -> None:
    with pytest.raises(BenchError, match="expected whole numbers such as"):
        parse_seeds(text)


@pytest.mark.parametrize("seeds", [Seeds(), Seeds(4, 4, 4), Seeds(1, 0, 0), Seeds(0, 0, 3)])
def test_text_and_back(seeds: Seeds) -> None:
    assert parse_seed(str(seeds)) == seeds


def test_what_varies() -> None:
    assert varied([Seeds(0, 0, 0), Seeds(1, 1, 1)]) == "seeds"
    assert varied([Seeds(0, 0, 0), Seeds(1, 0, 0)]) == "fit seeds"
    assert varied([Seeds(0, 0, 0), Seeds(0, 1, 2)]) == "split and evaluate seeds"


def test_other_evaluation_seeds_train_nothing_anew(
    grid: Callable[..., tuple[int, list[Record]]], own_methods: Path
) -> None:
    _, records = grid(f"{own_methods}:Tiny", seeds="fit=1;evaluate=0,1")
    assert len({record.stages["fit"].key for record in records}) == 1
    assert len({record.stages["encode"].key for record in records}) == 1
    assert len({record.key for record in records}) == 2
    assert [record.name.rpartition("/")[2] for record in records] == ["1,split=0,evaluate=0", "1,split=0"]
    assert [record.all_seeds for record in records] == [Seeds(1, 0, 0), Seeds(1, 0, 1)]


def test_another_split_trains_anew(grid: Callable[..., tuple[int, list[Record]]], own_methods: Path) -> None:
    _, records = grid(f"{own_methods}:Tiny", seeds="split=0,1")
    assert len({record.weights_sha256 for record in records}) == 2
    assert records[0].training["split"]["digest"] != records[1].training["split"]["digest"]
