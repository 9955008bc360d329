"""Charts that were drawn before, from the store: matplotlib takes half a second and 25 MB to load."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from bench.pipeline.keys import key_of, source_version
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.table.model import Section
from datasets.files import write_with


class Charts:
    """The charts of `bench.results.report.charts` as `<svg>` elements, each drawn once per store."""

    def __init__(self, store: Store) -> None:
        self._folder = store.root / "charts"

    def bars(self, section: Section) -> str:
        """A task's first metric by method."""
        inputs = {**asdict(section), "less_is_better": sorted(section.less_is_better)}
        return self._drawn("bars", inputs, section)

    def curves(self, training: dict[str, Any]) -> str:
        """Losses per epoch."""
        return self._drawn("curves", training, training)

    def sweep(self, records: list[Record]) -> str:
        """Accuracy by subset of a sweep."""
        return self._drawn("sweep", [[r.method, r.task, r.details["curve"]] for r in records], records)

    def correlations(self, record: Record) -> str:
        """Mean absolute correlation between groups of features."""
        return self._drawn("correlations", [record.name, record.details["pcc"]], record)

    def told(self, record: Record) -> str:
        """What each group of features tells of each scene parameter."""
        return self._drawn("told", [record.name, record.details["disentanglement"]], record)

    def _drawn(self, name: str, inputs: Any, given: Any) -> str:
        source = source_version("bench.results.report.charts")
        path = self._folder / f"{key_of({'chart': name, 'inputs': inputs, 'source': source})}.svg"
        if path.is_file():
            return path.read_text(encoding="utf-8")
        from bench.results.report import charts

        draw: Callable[[Any], str] = getattr(charts, name)
        text = draw(given)
        write_with(path, lambda temporary: temporary.write_text(text, encoding="utf-8"))
        return text
