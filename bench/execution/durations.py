"""Which trainings take long, for handing out the longest first: what the store remembers, else the reference."""

from pathlib import Path

from bench.pipeline.store import Store
from datasets.files import read_json

REFERENCE = Path(__file__).parents[2] / "results" / "reference" / "durations.json"


def fit_seconds(store: Store) -> dict[str, float]:
    """Method -> seconds of its latest training in this store, else of that in the `mini` profile on the reference
    machine, which the file describes; a method that neither knows is absent."""
    known: dict[str, float] = dict(read_json(REFERENCE)["fit_seconds"]) if REFERENCE.is_file() else {}
    for record in sorted(store.records(), key=lambda record: record.ended):
        if "fit" in record.stages:
            known[record.method] = record.stages["fit"].seconds
    return known
