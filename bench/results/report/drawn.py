"""Charts that were drawn before, from the store: matplotlib takes half a second and 25 MB to load."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from bench.pipeline.keys import key_of, source_version
from bench.pipeline.store import Store
from bench.results.table.model import Section
from datasets.sealed import Damaged, read_sealed, write_sealed
from tasks.results import Curve, Heatmap


class Charts:
    """The charts of `bench.results.report.charts` as `<svg>` elements, each drawn once per store."""

    def __init__(self, store: Store) -> None:
        self._folder = store.root / "charts"

    def bars(self, section: Section) -> str:
        """A task's main metric by method."""
        return self._drawn("bars", asdict(section), section)

    def losses(self, training: dict[str, Any]) -> str:
        """Losses per epoch."""
        return self._drawn("losses", training, training)

    def curves(self, named: Sequence[tuple[str, Curve]], about: str) -> str:
        """Curves of one title, a line per name."""
        return self._drawn("curves", [[[name, asdict(curve)] for name, curve in named], about], named, about)

    def heatmap(self, matrix: Heatmap, about: str) -> str:
        """A matrix of values in [0, 1]."""
        return self._drawn("heatmap", [asdict(matrix), about], matrix, about)

    def _drawn(self, name: str, inputs: Any, *given: Any) -> str:
        source = source_version("bench.results.report.charts")
        path = self._folder / f"{key_of({'chart': name, 'inputs': inputs, 'source': source})}.json"
        with suppress(Damaged, FileNotFoundError):
            return str(read_sealed(path)["svg"])
        from bench.results.report import charts

        draw: Callable[..., str] = getattr(charts, name)
        text = draw(*given)
        write_sealed(path, {"svg": text})
        return text
