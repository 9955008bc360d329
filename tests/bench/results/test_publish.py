"""What is taken into `results/` is the run's own."""

from pathlib import Path

import pytest
from PIL import Image
from record_factory import NAMES, record

from bench.pipeline.records import StageCost
from bench.pipeline.store import Store
from bench.results.publish import publish
from bench.results.spread import FILE, Spreads, committed
from datasets.errors import BenchError
from tasks.contact_sheet import LINE


@pytest.fixture
def published(tmp_path: Path) -> Path:
    store = Store(tmp_path / "store")
    fit = {"fit": StageCost(key="f" * 32, seconds=1, peak_memory_mb=1)}
    sheet = store.checkpoint("f" * 32) / "pdr-seed0.png"
    sheet.parent.mkdir()
    Image.new("RGB", (200, 2 * LINE + 8 * 20)).save(sheet)
    records = [record(name, task, synthetic=True, stages=fit) for name in ("pdr", "vqvae") for task in ("bbt", "buffy")]
    files = publish(records, store, tmp_path / "mini")
    assert [path.name for path in files] == ["table.csv", "table.md", FILE, "pdr.png", "stand_ins.png"]
    return tmp_path / "mini"


def test_a_contact_sheet_shows_its_first_rows(published: Path) -> None:
    assert Image.open(published / "pdr.png").size == (200, 2 * LINE + 3 * 20)
    assert Image.open(published / "stand_ins.png").size == (16 * 64, 7 * 64)


def test_how_much_trainings_vary_is_kept_for_later_tables(published: Path, tmp_path: Path) -> None:
    """A later run of single trainings takes nothing away."""
    assert committed("mini", published.parent).methods == {}, "one training says nothing"
    three = [record("pdr", seed=seed, value=0.5 + 0.02 * seed, synthetic=True) for seed in range(3)]
    found = Spreads(profile="mini").with_measured([*three, record("vqvae")])
    [(method, tasks)] = found.methods.items()
    assert (method, list(tasks), tasks["bbt"].trainings) == ("pdr", ["bbt"], 3)
    assert tasks["bbt"].sd == pytest.approx(dict.fromkeys(NAMES, 0.02))
    (tmp_path / "other").mkdir()
    found.with_measured([record("pdr")]).write(tmp_path / "other" / FILE)
    again = committed("other", tmp_path)
    assert again.of("pdr", "bbt", "accuracy") == (pytest.approx(0.02), 3)
    assert again.of("pdr", "bbt", "hungarian") is again.of("pdr", "buffy", "f1") is None
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / FILE).write_text("{")
    with pytest.raises(BenchError, match="does not hold spreads"):
        committed("bad", tmp_path)


def test_real_photographs_are_not_published(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="pdr/bbt/0 is of real photographs"):
        publish([record("pdr")], Store(tmp_path / "store"), tmp_path / "mini")
