"""What lies in a store, and what of it no kept run needs.

A run needs its records, and the artifacts that those came from. One that has not ended may go on, so that it is always
kept, with all that it has computed. Weights that somebody imported are nobody's to remove.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from bench.execution.invocations import Invocation, config_of, path_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from datasets.base import Silent
from datasets.errors import BenchError
from datasets.files import remove, size_of
from datasets.sealed import Damaged, find_sealed

# Of each kind of artifact the file that completes it, which says what run computed it.
COMPLETED_BY = {
    "data": "meta.json",
    "checkpoints": "checkpoint.json",
    "derived": "derived.json",
    "features": "features.json",
    "predictions": "",
    "evaluations": "",
}
# What no run needs and nobody removes: imported weights, drawn charts, the store of suites, what MLflow keeps.
OTHERS = ("weights", "charts", "suites", "mlflow.db", "mlartifacts")


@dataclass(frozen=True)
class Holding:
    """One thing in a store: what it is, where it lies, its size in bytes, and whether a kept run needs it."""

    kind: str
    path: Path
    size: int
    needed: bool


def holdings(store: Store, keep: int | None = None) -> list[Holding]:
    """Everything in a store, manifests first; `keep` so many of the newest runs that have ended, or all.

    Raises BenchError where a manifest or a record is damaged: what it needs cannot be told.
    """
    runs = [_whole(path) for path in sorted((store.root / "invocations").glob("*.json"))]
    ended = [run for run in runs if run.exit_code is not None]
    dropped = {run.id for run in ended[: len(ended) - keep]} if keep is not None else set()
    kept = [run for run in runs if run.id not in dropped]
    needed = _Needed.by(kept, store)
    files = [path for run in runs for path in (path_of(store.root, run.id), config_of(store.root, run.id))]
    return [
        *(Holding("invocations", file, size_of(file), file.stem not in dropped) for file in files if file.is_file()),
        *(
            Holding("records", file, size_of(file), file.stem in needed.keys)
            for file in sorted((store.root / "records").glob("*.json"))
        ),
        *(
            # What a link leads to may be another store's too, whose runs are not known here.
            Holding(kind, folder, size_of(folder), folder.parent.is_symlink() or needed.has(kind, folder, file))
            for kind, file in COMPLETED_BY.items()
            for folder in sorted(path for path in (store.root / kind).iterdir() if path.is_dir())
        ),
        *(
            Holding(path.name, path, size_of(path), True)
            for path in (store.root / name for name in OTHERS)
            if path.exists()
        ),
    ]


def collect(store: Store, keep: int | None) -> Iterator[Holding]:
    """Remove what no kept run needs, and yield each thing once it is gone.

    Raises BenchError while a run is under way: what it has found in the store it still needs.
    """
    with store.lock("gc", "store", Silent()):
        for path in (store.root / "locks").glob("run-*.lock"):
            try:
                with FileLock(path, timeout=0):
                    pass
            except Timeout as error:
                run = path.stem.removeprefix("run-")
                raise BenchError(f"run {run} is under way and needs its store: wait for its end") from error
        for one in holdings(store, keep):
            if not one.needed:
                remove(one.path)
                yield one


@dataclass(frozen=True)
class _Needed:
    """Keys of artifacts and digests of data that kept runs need, and the runs that have not ended."""

    keys: frozenset[str]
    digests: frozenset[str]
    open_runs: frozenset[str]

    @classmethod
    def by(cls, runs: Sequence[Invocation], store: Store) -> "_Needed":
        keys, digests = set[str](), set[str]()
        for name in dict.fromkeys(name for run in runs for name in run.cells):
            if not (store.root / name).is_file():
                continue  # nothing is left that it could need
            try:
                record = Record.read(store.root / name)
            except Damaged as damage:
                raise _not_told(damage) from damage
            keys |= {record.key, *(cost.key for cost in record.stages.values())}
            digests |= {data.digest for data in (record.dataset, record.training_dataset) if data is not None}
            digests |= {str(parts["data"]) for parts in record.ingredients.values() if "data" in parts}
        return cls(frozenset(keys), frozenset(digests), frozenset(run.id for run in runs if run.exit_code is None))

    def has(self, kind: str, folder: Path, file: str) -> bool:
        """Whether an artifact is needed. One that is damaged is not: whoever needs it computes it again."""
        if kind != "data" and folder.name in self.keys:
            return True
        try:
            info = find_sealed(folder / file) if file else None
        except Damaged:
            return False
        if info is None:  # half made: a run that has not ended may go on from there
            return bool(self.open_runs)
        return info.get("digest") in self.digests if kind == "data" else info.get("run") in self.open_runs


def _whole(path: Path) -> Invocation:
    try:
        return Invocation.read(path)
    except Damaged as damage:
        raise _not_told(damage) from damage


def _not_told(damage: Damaged) -> BenchError:
    return BenchError(f"{damage}: what its run needs cannot be told; run its command again first")
