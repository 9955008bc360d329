"""What is taken into `results/` is the run's own, and README's table follows from it."""

from pathlib import Path

import pytest
from PIL import Image
from record_factory import record

from bench.pipeline.records import StageCost
from bench.pipeline.store import Store
from bench.results.publish import publish, readme_table, update_readme
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
    assert [path.name for path in files] == ["table.csv", "table.md", "pdr.png", "stand_ins.png"]
    return tmp_path / "mini"


def test_a_contact_sheet_shows_its_first_rows(published: Path) -> None:
    assert Image.open(published / "pdr.png").size == (200, 2 * LINE + 3 * 20)
    assert Image.open(published / "stand_ins.png").size == (16 * 64, 7 * 64)


def test_readmes_table_is_the_committed_one(published: Path, tmp_path: Path) -> None:
    table = readme_table(published / "table.csv")
    lines = table.splitlines()
    assert lines[0] == "| method | bbt[synthetic] | buffy[synthetic] |"
    assert "| `pdr` | 0.500 (0.48–0.52) | 0.500 (0.48–0.52) |" in lines
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- table: mini -->\nold\n<!-- end -->\nafter\n")
    update_readme(readme, "mini", table)
    assert readme.read_text() == f"before\n<!-- table: mini -->\n{table}\n<!-- end -->\nafter\n"
    with pytest.raises(BenchError, match="no marker <!-- table: other -->"):
        update_readme(readme, "other", table)


def test_real_photographs_are_not_published(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="pdr/bbt/0 is of real photographs"):
        publish([record("pdr")], Store(tmp_path / "store"), tmp_path / "mini")
