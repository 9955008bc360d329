"""Whether everything in a store is what was written."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.pipeline.records import Record
from bench.pipeline.store import Store
from datasets.prepared import open_prepared, verify
from datasets.sealed import Damaged, check_files, read_sealed


@dataclass(frozen=True)
class Checked:
    """One artifact of a store.

    Attributes
    ----------
    kind: which folder of the store it lies in.
    damage: what is wrong with it, naming the file; None where it is whole.
    """

    kind: str
    damage: str | None


def artifacts(store: Store) -> list[tuple[str, Path, Callable[[Path], None]]]:
    """Every finished artifact: its kind, the file or folder, and what raises Damaged where it is not whole.

    What a killed process left half made has no file that completes it, and is no artifact.
    """

    def record(path: Path) -> None:
        store.check_predictions(Record.read(path))

    def data(folder: Path) -> None:
        verify(open_prepared(folder))

    found: list[tuple[str, Path, Callable[[Path], None]]] = []
    for kind, pattern, check in (
        ("data", "data/*/meta.json", lambda path: data(path.parent)),
        ("checkpoints", "checkpoints/*/checkpoint.json", files_beside),
        ("trainings", "checkpoints/*/progress/**/state.json", files_beside),
        ("trainings", "evaluations/**/state.json", files_beside),
        ("derived", "derived/*/*.json", files_beside),
        ("features", "features/*/features.json", files_beside),
        ("records", "records/*.json", record),
        ("weights", "weights/*.json", files_beside),
        ("invocations", "invocations/*.json", files_beside),
        ("charts", "charts/*.json", files_beside),
    ):
        found += [(kind, path, check) for path in sorted(store.root.glob(pattern))]
    return found


def files_beside(path: Path) -> None:
    """Check a sealed file, and the files beside it whose digests it holds; raises Damaged."""
    check_files(path.parent, read_sealed(path).get("files", {}))


def checked(found: list[tuple[str, Path, Callable[[Path], None]]]) -> Iterator[Checked]:
    """Each artifact with what is wrong with it."""
    for kind, path, check in found:
        try:
            check(path)
        except (Damaged, FileNotFoundError) as damage:
            yield Checked(kind, str(damage))
        else:
            yield Checked(kind, None)
