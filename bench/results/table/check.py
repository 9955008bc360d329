"""Refusals: a table whose rows were not measured in the same way would invite wrong conclusions."""

from collections.abc import Callable, Hashable, Sequence

from bench.pipeline.records import DatasetInfo, Record
from datasets.base import shortened
from datasets.errors import BenchError


def check(records: Sequence[Record]) -> None:
    """Raise a `BenchError` naming the cells that differ, unless all records belong in one table: measured alike, and no
    cell twice with different settings."""
    if not records:
        raise BenchError("no records to make a table of: run something first")
    measured_alike(records)
    keys: dict[str, set[str]] = {}
    for record in records:
        keys.setdefault(record.name, set()).add(record.key[:12])
    for cell, found in keys.items():
        if len(found) > 1:
            raise BenchError(
                f"cell {cell} occurs {len(found)} times with different settings (keys {', '.join(sorted(found))}): "
                f"choose one; `bench why {cell}` says how they differ"
            )


def measured_alike(records: Sequence[Record]) -> None:
    """Raise a `BenchError` naming the cells that differ, unless all records can be compared.

    Profile and protocol must be the same everywhere. The data of a task must be the same in all of its cells, and
    a training set the same in all cells that use it; digests are compared between equal image sizes, since the
    digest is one of decoded pixels.
    """
    same(records, lambda record: record.profile, "profiles", "make one table per profile")
    same(records, lambda record: record.protocol, "protocols", "make one table per protocol")
    for task in dict.fromkeys(record.task for record in records):
        chosen = [record for record in records if record.task == task]
        _same_data(chosen, lambda record: record.dataset, f"data of task {task}")
    for name in dict.fromkeys(r.training_dataset.name for r in records if r.training_dataset):
        chosen = [record for record in records if record.training_dataset and record.training_dataset.name == name]
        _same_data(chosen, lambda record: record.training_dataset, f"training data {name}")


def _same_data(records: Sequence[Record], data: Callable[[Record], DatasetInfo | None], what: str) -> None:
    """One label for all of `records`, and one digest for those at one image size."""
    used = [(record, info) for record in records if (info := data(record)) is not None]
    same([r for r, _ in used], lambda record: _info(data(record)).label, what, "run all cells on the same data")
    for size in dict.fromkeys(info.size for _, info in used):
        same(
            [record for record, info in used if info.size == size],
            lambda record: _info(data(record)).digest[:12],
            f"states of the {what}",
            "it changed between the runs: run all cells again on the same data",
        )


def _info(info: DatasetInfo | None) -> DatasetInfo:
    assert info is not None, "only records with a dataset are compared"
    return info


def same(records: Sequence[Record], value: Callable[[Record], Hashable], what: str, advice: str) -> None:
    """Raise unless `value` is the same for all of `records`; the text names the cells of each value."""
    groups: dict[Hashable, list[str]] = {}
    for record in records:
        groups.setdefault(value(record), []).append(record.name)
    if len(groups) > 1:
        found = "; ".join(f"{name} ({shortened(cells)})" for name, cells in groups.items())
        raise BenchError(f"one table cannot mix different {what}: {found}; {advice}")


def one_code(records: Sequence[Record]) -> None:
    """Raise where records come from different code, or mix drawn and real data."""
    for what, stage in (("method", "encode"), ("method", "fit"), ("task", "evaluate")):
        for name in dict.fromkeys(getattr(record, what) for record in records):
            own = [r for r in records if getattr(r, what) == name and what in r.ingredients.get(stage, {})]
            same(
                own,
                lambda record, stage=stage, what=what: record.ingredients[stage][what]["source"],  # type: ignore[misc]
                f"versions of the code of {what} {name} ({stage})",
                "run all cells again with one version",
            )
    done = [record for record in records if record.dataset is not None]
    same(
        done,
        lambda record: "synthetic" if record.dataset is not None and record.dataset.synthetic else "real",
        "kinds of data",
        "make one table per kind",
    )
