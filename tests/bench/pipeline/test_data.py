"""Each dataset of an invocation is opened once, however many cells use it."""

from pathlib import Path

import pytest

from bench.grid.catalogue import DATASETS
from bench.grid.request import Options
from bench.pipeline import data as data_module
from bench.pipeline.data import Data
from bench.pipeline.store import Store
from datasets.base import Silent, Source


def test_a_dataset_is_listed_once(tmp_path: Path, own_tracks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    original = data_module.open_source

    def counted(*arguments: object) -> Source:
        source = original(*arguments)  # type: ignore[arg-type]
        opened.append(source.name)
        return source

    monkeypatch.setattr(data_module, "open_source", counted)
    request = Options(methods="chance", tasks="bbt", profile="smoke", baselines=False).request()
    entry = DATASETS.get(f"tracks:{own_tracks}")
    data = Data.of(request, Store(tmp_path / "store").data)
    assert data.find(entry, 64) is None, "nothing is prepared yet"
    dataset = data.prepare(entry, 64, Silent())
    assert len(opened) == 2
    assert data.prepare(entry, 64, Silent()) is dataset
    assert data.find(entry, 64) is dataset
    assert len(opened) == 2, "known by now"
    assert data.prepare(entry, 32, Silent()).size == 32, "another size is another dataset"
    later = Data.of(request, Store(tmp_path / "store").data).find(entry, 64)
    assert later is not None
    assert later.digest == dataset.digest
