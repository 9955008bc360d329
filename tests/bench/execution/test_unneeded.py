"""What of a store no kept run needs, and that nothing else is removed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from bench.commands.store import du_command, gc_command
from bench.execution.invocations import Invocation, invocations, path_of
from bench.execution.unneeded import collect, holdings
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from datasets.errors import BenchError

Grid = Callable[..., tuple[int, list[Record]]]


@pytest.fixture
def store(grid: Grid, own_methods: Path, tmp_path: Path) -> Store:
    """Two runs that share a training: of one row of features, and of two seeds."""
    grid(f"{own_methods}:Tiny")
    grid(f"{own_methods}:Tiny", seeds="0,1")
    return Store(tmp_path / "store")


def idle(store: Store, keep: int | None = None) -> set[str]:
    return {f"{one.kind}/{one.path.name}" for one in holdings(store, keep) if not one.needed}


def test_all_that_a_run_on_record_came_from_is_needed(store: Store) -> None:
    assert idle(store) == set()
    kinds = {one.kind for one in holdings(store)}
    assert {"data", "checkpoints", "features", "records", "predictions", "invocations"} <= kinds
    assert sum(one.size for one in holdings(store)) > 0


def test_what_the_kept_runs_do_not_need_goes_and_the_rest_still_answers(
    store: Store, grid: Grid, own_methods: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, [other] = grid(f"{own_methods}:Tiny", settings=["Tiny.width=3"])
    newest = max(run.id for run in invocations(store.root))
    checkpoints = {path.name for path in (store.root / "checkpoints").iterdir()}
    gone = checkpoints - {other.stages["fit"].key}
    assert {f"checkpoints/{key}" for key in gone} < idle(store, keep=1)
    before = sorted(store.root.rglob("*"))
    gc_command(store.root, 1, dry_run=True)
    assert sorted(store.root.rglob("*")) == before, "only said"
    assert "would remove" in capsys.readouterr().out
    gc_command(store.root, 1, dry_run=False)
    assert "removed" in capsys.readouterr().out
    assert idle(store) == set()
    assert [run.id for run in invocations(store.root)] == [newest]
    assert {path.name for path in (store.root / "checkpoints").iterdir()} == {other.stages["fit"].key}
    _, again = grid(f"{own_methods}:Tiny", settings=["Tiny.width=3"])
    assert again == [other], "from the cache"
    _, [anew] = grid(f"{own_methods}:Tiny")
    assert anew.metrics == {name: anew.metrics[name] for name in other.metrics}


def test_a_record_without_a_run_is_idle(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    for run in list(invocations(store.root))[1:]:
        path_of(store.root, run.id).unlink()
    left = idle(store)
    assert {name.partition("/")[0] for name in left} == {"checkpoints", "features", "records", "predictions"}
    assert len([name for name in left if name.startswith("checkpoints")]) == 1, "that of seed 1"
    du_command(store.root)
    assert "checkpoints: 2, " in (out := capsys.readouterr().out)
    assert "of which no run needs 1: " in out


def test_a_run_that_has_not_ended_keeps_what_it_computed(store: Store) -> None:
    *_, last = invocations(store.root)
    last.model_copy(update={"exit_code": None, "ended": None, "cells": []}).write(store.root)
    half = store.checkpoint("0" * 32) / "progress"
    half.mkdir(parents=True)
    (half / "state.json").write_text("{}")
    kept = [one for one in holdings(store, keep=1) if one.kind == "checkpoints"]
    assert len(kept) == 3
    assert all(one.needed for one in kept)
    for run in invocations(store.root):
        run.model_copy(update={"exit_code": 0}).write(store.root)
    assert f"checkpoints/{'0' * 32}" in idle(store), "nobody goes on from there"


def test_nothing_goes_that_a_link_leads_to(store: Store, tmp_path: Path) -> None:
    data, elsewhere = store.root / "data", tmp_path / "elsewhere"
    data.unlink()  # tests share what is drawn
    (elsewhere / "half_made").mkdir(parents=True)
    data.symlink_to(elsewhere)
    assert "data/half_made" not in idle(store)
    data.unlink()
    (data / "half_made").mkdir(parents=True)
    assert "data/half_made" in idle(store)


def test_nothing_is_removed_while_a_run_is_under_way(store: Store) -> None:
    with (
        FileLock(store.root / "locks" / "run-20261101T101500Z-1a2b3c.lock"),
        pytest.raises(BenchError, match="run 20261101T101500Z-1a2b3c is under way"),
    ):
        list(collect(store, 1))
    assert list(collect(store, 1)), "and goes once it has ended"


def test_where_what_is_needed_cannot_be_told_nothing_is_removed(store: Store) -> None:
    path = path_of(store.root, next(invocations(store.root)).id)
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    with pytest.raises(BenchError, match="cannot be told"):
        list(collect(store, None))
    path.write_bytes(whole)
    record = store.root / Invocation.read(path).cells[0]
    record.write_bytes(record.read_bytes().replace(b"1.0", b"0.5"))
    with pytest.raises(BenchError, match="cannot be told"):
        list(collect(store, None))


def test_a_store_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    for command in (lambda: du_command(tmp_path / "none"), lambda: gc_command(tmp_path / "none", None, dry_run=True)):
        with pytest.raises(BenchError, match="no store at"):
            command()
    assert not (tmp_path / "none").exists()
