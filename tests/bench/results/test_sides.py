"""Two methods compared: within a run, across runs, over a store; over all seeds, in pairs, settings told apart."""

import csv
import io
import re
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from record_factory import START, record

from bench.commands.compare import compare_command
from bench.execution.invocations import Invocation
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.sides import of_methods
from datasets.errors import BenchError
from tasks.results import PerItem

SEEDS = range(4)


def kept(store: Store, method: str, seed: int, value: float, later: int = 0, **changes: Any) -> Record:
    """A record whose accuracy is the mean of its items."""
    one = record(
        method,
        seed=seed,
        metrics={"accuracy": value},
        per_item=PerItem("mean"),
        intervals={},
        ended=START + timedelta(days=later),
        **changes,
    )
    key = sha256(f"{one.place} {later}".encode()).hexdigest()[:32]
    folder = store.predictions(key)
    folder.mkdir()
    rng = np.random.default_rng(seed)
    items = value + np.repeat([0.1, -0.1], 20) + 0.01 * rng.standard_normal(40)
    np.save(folder / "accuracy.npy", items)
    np.save(folder / "frame.npy", np.arange(40))
    found = one.model_copy(update={"key": key, "predictions": f"predictions/{key}"})
    found.write(store.record_path(key))
    return found


def run(store: Store, name: str, records: list[Record]) -> str:
    cells = [f"records/{one.key}.json" for one in records]
    Invocation(
        id=name, started=START, argv=["run"], profile="mini", protocol="default", suite="tests", cells=cells
    ).write(store.root)
    return name


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def table(capsys: pytest.CaptureFixture[str], *names: str, store: Store, runs: tuple[str, ...] = ()) -> dict[str, str]:
    compare_command(*names, "csv", store.root, runs)
    [line] = csv.DictReader(io.StringIO(capsys.readouterr().out))
    return line


def test_two_methods_of_a_store_are_compared_in_pairs_over_all_their_seeds(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in SEEDS:
        kept(store, "pdr", seed, 0.5 + 0.05 * seed)
        kept(store, "vqvae", seed, 0.55 + 0.0501 * seed)
    line = table(capsys, "pdr", "vqvae", store=store)
    assert (line["row"], line["metric"], line["trainings"], line["paired"]) == ("bbt", "accuracy", "4", "true")
    assert float(line["difference"]) == pytest.approx(0.05, abs=0.001)
    assert float(line["high"]) - float(line["low"]) < 0.02, "seeds vary by 0.15, their pairs do not"
    assert line["verdict"] == "higher"
    compare_command("pdr", "vqvae", "md", store.root)
    assert "| trainings | pdr | vqvae | difference |" in capsys.readouterr().out


def test_within_one_run_and_across_two(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    old = [kept(store, "pdr", seed, 0.5 + 0.01 * seed) for seed in SEEDS]
    old += [kept(store, "vqvae", seed, 0.4 + 0.01 * seed) for seed in SEEDS]
    new = [kept(store, "pdr", seed, 0.7 + 0.01 * seed, later=1) for seed in SEEDS]
    first, second = run(store, "first", old), run(store, "second", new)
    assert table(capsys, "vqvae", "pdr", store=store, runs=(first,))["second"] == "0.515"
    assert table(capsys, "vqvae", "pdr", store=store, runs=(first, second))["second"] == "0.715"
    assert table(capsys, "vqvae", "pdr", store=store)["second"] == "0.715", "the newest of each cell"
    same = table(capsys, "pdr", "pdr", store=store, runs=(first, second))
    assert (same["first"], same["second"]) == ("0.515", "0.715")
    compare_command("pdr", "pdr", "md", store.root, (first, second))
    assert "| pdr of run first | pdr of run second |" in capsys.readouterr().out


def test_settings_are_told_apart(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in SEEDS:
        kept(store, "vqvae", seed, 0.5 + 0.01 * seed, method_settings={})
        settings = {"method_settings": {"codes": 8}, "method_config": {"codes": 8}}
        kept(store, "vqvae", seed, 0.3 + 0.01 * seed, later=1, **settings)
    line = table(capsys, "vqvae", "vqvae[codes=8]", store=store)
    assert (line["first"], line["second"], line["verdict"]) == ("0.515", "0.315", "lower")
    compare_command("vqvae", "vqvae[codes=8]", "md", store.root)
    assert "set otherwise: bbt: codes None -> 8" in capsys.readouterr().err


def test_records_that_kept_no_settings_are_not_pooled_with_others(store: Store) -> None:
    kept(store, "vqvae", 0, 0.5, method_config={"codes": 512})
    kept(store, "vqvae", 1, 0.3, later=1, method_config={"codes": 8})
    kept(store, "pdr", 0, 0.4)
    sides = of_methods("vqvae", "pdr", (), store.root)
    assert [one.seed for one, _ in sides.before["bbt"]] == [1]


def test_runs_say_what_was_set_otherwise(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    first = run(store, "first", [kept(store, "pdr", 0, 0.5, method_config={"nf": 16})])
    second = run(store, "second", [kept(store, "pdr", 0, 0.6, later=1, method_config={"nf": 32})])
    compare_command(first, second, "md", store.root)
    out, err = capsys.readouterr()
    assert "| pdr/bbt | accuracy |" in out
    assert "set otherwise: pdr/bbt: nf 16 -> 32" in err


def test_what_cannot_be_compared_is_one_line(store: Store) -> None:
    first = run(store, "first", [kept(store, "pdr", 0, 0.5)])
    kept(store, "vqvae", 0, 0.5, synthetic=True)
    for names, runs, message in [
        (("pdr", "pdrr"), (), "'pdrr': no such invocation of .* and no method with finished records; there are pdr"),
        (("pdr", "pdr"), (), "are the same records"),
        (("pdr", first), (), "first is a run: expected two runs, or two methods, whose runs --run names"),
        ((first, first), (first,), "first is a run: expected two runs"),
        (("pdr", "vqvae"), (first, first, first), "--run was given 3 times"),
        (("pdr", "vqvae"), ("absent",), "no such invocation"),
        (("pdr", "vqvae"), (), "cannot mix different data of task bbt"),
    ]:
        with pytest.raises(BenchError, match=re.compile(message)):
            compare_command(*names, "md", store.root, runs)
