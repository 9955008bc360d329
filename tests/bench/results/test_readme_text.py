"""README's table and sentences follow from a committed table, and say no more than it does."""

from pathlib import Path

import pytest
from record_factory import record

from bench.pipeline.records import Record
from bench.results.readme import readme_table, readme_text, update_readme
from bench.results.table import build, to_csv
from datasets.errors import BenchError


def table(tmp_path: Path, *records: Record) -> Path:
    path = tmp_path / "table.csv"
    path.write_text(to_csv(build(records)))
    return path


def row(method: str, task: str, value: float, seeds: int = 3) -> list[Record]:
    """Trainings that lie 0.001 apart, on items that leave 0.002."""
    return [record(method, task, seed, value=value + 0.001 * seed, half=0.002, synthetic=True) for seed in range(seeds)]


def of(method: str, seeds: int = 3, **values: float) -> list[Record]:
    return [one for task, value in values.items() for one in row(method, task, value, seeds)]


def test_which_trained_rows_beat_random_init_and_which_do_not(tmp_path: Path) -> None:
    path = table(
        tmp_path,
        *of("vqvae", bbt=0.6, buffy=0.2),
        *of("pdr", bbt=0.7, buffy=0.4),
        *of("random_init", bbt=0.4, buffy=0.4, rafdb=0.3),
        *of("ris", rafdb=0.3),
    )
    text = " ".join(readme_text(path).split())
    assert "Better than `random_init` at 5 %" in text
    assert "Holm's correction over the rows): `vqvae` and `pdr` on bbt; none on buffy and rafdb." in text
    assert "Worse: none on bbt and rafdb; `vqvae` on buffy." in text
    assert "The other rows of at least three trainings cannot be told from it." in text
    assert "On rafdb all rows have the same accuracy" in text
    assert "training, by which" not in text
    lines = readme_table(path).splitlines()
    assert lines[0] == "| method | trainings | bbt[synthetic] | buffy[synthetic] | rafdb[synthetic] |"
    assert any(line.startswith("| `pdr` | 3 | **0.701** (0.70–0.70) |") for line in lines)


def test_of_one_training_nothing_is_told(tmp_path: Path) -> None:
    path = table(tmp_path, *of("pdr", 1, bbt=0.9), *of("vqvae", 1, bbt=0.3), *of("random_init", bbt=0.4))
    text = " ".join(readme_text(path).split())
    assert text.startswith("Every trained row is of one training, by which nothing is told apart")
    assert "above `random_init` are `pdr` on bbt; the others are not." in text
    assert "Better than" not in text
    assert "**" not in "".join(line for line in readme_table(path).splitlines() if "pdr" in line or "vqvae" in line)
    mixed = table(tmp_path, *of("pdr", 1, bbt=0.9), *of("vqvae", bbt=0.3), *of("random_init", bbt=0.4))
    text = " ".join(readme_text(mixed).split())
    assert "`pdr` is of one training" in text
    assert "Worse: `vqvae` on bbt." in text


def test_lines_have_readmes_width(tmp_path: Path) -> None:
    records = [one for place in range(30) for one in of(f"method{place}", 1, bbt=0.9)]
    assert max(map(len, readme_text(table(tmp_path, *records, *of("random_init", bbt=0.1))).splitlines())) <= 120


def test_a_text_goes_between_its_markers(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- text: mini -->\nold\n<!-- end -->\nafter\n")
    update_readme(readme, "text: mini", "new")
    assert readme.read_text() == "before\n<!-- text: mini -->\nnew\n<!-- end -->\nafter\n"
    with pytest.raises(BenchError, match="no marker <!-- table: other -->"):
        update_readme(readme, "table: other", "new")
