"""What stands under a table is about that table: its columns, its rows, its layout."""

import io
import re
from pathlib import Path

import pytest
from record_factory import record
from rich.console import Console

from bench.commands.table import Choice, table_command
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.table import Table, build, to_rich
from bench.results.table.chosen import chosen
from bench.results.table.paper import fill
from tasks.results import Caption, Metric

SAID = [
    Caption("accuracy: of the majority's label; hungarian: of one cluster each."),
    Caption("knn: of the nearest five. Chance is {chance:.1f}.", {"chance": 0.5}),
    Caption("5 clusters, the true number."),
]


def trained(method: str, value: float, **changes: object) -> list[Record]:
    metrics = {"accuracy": value, "knn": value}
    return [
        record(method, seed=seed, metrics={name: own + seed / 1000 for name, own in metrics.items()}, **changes)
        for seed in range(3)
    ]


def both(**changes: object) -> list[Record]:
    return [*trained("pdr", 0.8, **changes), *trained("vqvae", 0.4, **changes)]


def of(records: list[Record], metrics: str, tmp_path: Path) -> Table:
    return chosen(records, "all", "all", metrics, None, Store(tmp_path / "store"))


def test_a_tasks_sentences_are_about_the_columns_shown(tmp_path: Path) -> None:
    records = both(captions=SAID)
    everything = " ".join(build(records).captions)
    assert all(text in everything for text in ("accuracy: of", "knn: of the nearest five. Chance is 0.5", "5 clusters"))
    accuracy = " ".join(of(records, "accuracy", tmp_path).captions)
    assert "accuracy: of" in accuracy
    assert "knn" not in accuracy
    knn = " ".join(of(records, "knn", tmp_path).captions)
    assert "knn: of" in knn
    assert "accuracy" not in knn
    assert "5 clusters" in knn, "of no metric, so of all"
    assert "knn" not in " ".join(fill("1", records).table.captions)


def test_a_rows_notes_are_about_the_columns_shown(tmp_path: Path) -> None:
    records = both(notes=["knn is below the majority's answer", "small"], profile="paper", method_config={})
    assert of(records, "accuracy", tmp_path).sections[0].notes == ("small",)
    assert of(records, "knn", tmp_path).sections[0].notes == ("knn is below the majority's answer", "small")


def test_what_a_chosen_column_lacks_is_not_spoken_of(tmp_path: Path) -> None:
    declared = [Metric("accuracy"), Metric("knn", higher_is_better=False, ranked=False)]
    records = both(declared=declared)
    assert "Bold: of the rows" in " ".join(of(records, "accuracy", tmp_path).captions)
    knn = " ".join(of(records, "knn", tmp_path).captions)
    assert "Bold" not in knn
    assert "Less is better" in knn
    assert "Less is better" not in " ".join(of(records, "accuracy", tmp_path).captions)


def test_rows_that_are_not_chosen_are_not_spoken_of(tmp_path: Path) -> None:
    records = [*both(), record("ris", notes=["of another table"])]
    table = chosen(records, "pdr,vqvae", "all", "all", None, Store(tmp_path / "store"))
    assert [row.method for row in table.sections[0].rows] == ["vqvae", "pdr"]
    assert "Of fewer than 3 trainings" not in " ".join(table.captions)
    assert "of another table" not in table.sections[0].notes


def test_drawn_images_have_no_difference_to_a_paper_where_one_stands_beside() -> None:
    def said(task: str) -> str:
        return next(text for text in build([record("pdr", task, synthetic=True)]).captions if "[synthetic]" in text)

    assert said("bbt") == "[synthetic]: images drawn by the project, so no difference to the paper is given."
    assert said("view_sweep") == "[synthetic]: images drawn by the project."


@pytest.mark.parametrize(("terminal", "spoken"), [(True, True), (False, False)])
def test_bold_is_spoken_of_where_it_can_be_seen(terminal: bool, spoken: bool) -> None:
    system = "standard" if terminal else None
    console = Console(width=160, file=io.StringIO(), force_terminal=terminal, color_system=system)
    console.print(to_rich(build(both())))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert (re.search(r"\x1b\[1m *0\.801", text) is not None) is spoken
    assert ("Bold:" in text) is spoken


@pytest.mark.parametrize(("form", "spoken"), [("md", True), ("latex", True), ("html", True), ("csv", False)])
def test_bold_is_spoken_of_in_every_form_that_has_it(
    form: str, spoken: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path / "store")
    for one in both():
        one.write(store.record_path(one.key))
    table_command(None, Choice(tasks="bbt"), form, None, None, store.root)
    assert ("Bold:" in capsys.readouterr().out) is spoken
