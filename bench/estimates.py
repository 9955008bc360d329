"""How long a cell's training will take: what the store remembers, else the reference measurement, else unknown."""

from functools import cache
from pathlib import Path

from bench.plan import Cell
from bench.store import Store
from datasets.files import read_json

REFERENCE = Path(__file__).parents[1] / "results" / "reference" / "durations.json"


def fit_seconds(cell: Cell, store: Store) -> float:
    """Seconds that the training of this cell's method took last: here, else on the reference machine; 0 if unknown."""
    if not cell.method.trains:
        return 0.0
    here = remembered(store)
    name = cell.method.name
    return here.get(name) or float(reference().get(name, 0.0))


def remembered(store: Store) -> dict[str, float]:
    """Method -> seconds of its latest training in this store."""
    return {
        record.method: record.phases["fit"].seconds
        for record in sorted(store.records(), key=lambda record: record.ended)
        if "fit" in record.phases
    }


@cache
def reference() -> dict[str, float]:
    """Method -> seconds of its training in the `mini` profile on the machine that the file describes."""
    return read_json(REFERENCE)["fit_seconds"] if REFERENCE.is_file() else {}
