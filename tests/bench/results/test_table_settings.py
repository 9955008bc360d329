"""Rows of one name that were set otherwise: told apart in every table, or the table says which it shows."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from record_factory import START, record

from bench.commands.table import Choice, table_command
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.published import published
from bench.results.table import build
from bench.results.table.paper import fill

STEPS = {"schedule.max_steps": 1}
VARIANT = "vqvae[schedule.max_steps=1]"


def made(method: str = "vqvae", settings: dict[str, Any] | None = None, later: int = 0, **changes: Any) -> Record:
    values = {"method_settings": settings, "task_settings": {}, "ended": START + timedelta(days=later)}
    one = record(method, **{**values, **changes})
    return one.model_copy(update={"key": f"{one.key}{settings}{changes.get('task_settings')}{later}"[-40:]})


def test_a_variant_does_not_replace_its_row() -> None:
    records = [made(settings={}, value=0.45), made(settings=STEPS, value=0.7, later=1)]
    for table in (build(records), fill("1", records).table):
        (section,) = table.sections
        values = {row.method: row.scores[0].value for row in section.rows}
        assert (values["vqvae"], values[VARIANT]) == (0.45, 0.7)
        (variant,) = [row for row in section.rows if row.method == VARIANT]
        assert variant.scores[0].published is None, "of another method than the paper's"
        assert published("vqvae", "bbt", "accuracy") is not None


def test_what_is_set_in_one_way_only_keeps_its_name_and_says_how() -> None:
    """The published figure stands beside it, and is not compared."""
    real = {"profile": "paper", "method_config": {"schedule": {"max_steps": 1}}, "task_config": {}}
    (section,) = build([made(settings=STEPS, seed=seed, later=0, **real) for seed in range(3)]).sections
    row = section.rows[0]
    assert row.method == "vqvae"
    assert "set otherwise: schedule.max_steps=1" in [section.notes[number - 1] for number in row.notes]
    assert row.scores[0].published is not None
    assert (row.scores[0].difference, row.scores[0].verdict) == (None, "not the paper's size: not comparable")


def test_two_ways_that_are_not_the_usual_one() -> None:
    records = [made(settings=STEPS, value=0.45), made(settings={"codes": 8}, value=0.5)]
    (section,) = build(records).sections
    assert [row.method for row in section.rows if row.scores[0].value] == ["vqvae[codes=8]", VARIANT]
    assert not any("set otherwise" in note for note in section.notes), "the name says so"


def test_tasks_that_were_set_otherwise_are_sections_of_their_own() -> None:
    records = [made(value=0.45), made(value=0.5, task_settings={"normalise": "l2"})]
    found = {section.task: section.rows[0].scores[0].value for section in build(records).sections}
    assert found == {"bbt": 0.45, "bbt[normalise=l2]": 0.5}
    alone = build(records[1:])
    assert [section.task for section in alone.sections] == ["bbt"]
    assert "bbt is set otherwise: normalise=l2." in alone.captions


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"method_config": {"nf": 1}}, True), ({"task_config": {"normalise": "l2"}}, True), ({}, False)],
)
def test_of_records_that_kept_no_settings_the_table_says_that_the_newest_counts(
    changes: dict[str, Any], said: bool
) -> None:
    old = made(value=0.2, **changes)
    table = fill("1", [made(value=0.6, later=1), old]).table
    assert table.sections[0].rows[0].scores[0].value == 0.6
    sentence = "Of vqvae/bbt the newest record is shown; there are older ones of other settings."
    assert (sentence in table.captions) is said


def test_rows_are_chosen_by_their_whole_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path / "store")
    two = {"features": ["light", "view"]}
    for one in (made(settings={}), made(settings=STEPS), made("pdr", two), made("vqvae", STEPS, task="buffy")):
        one.write(store.record_path(one.key))

    def rows(**chosen: str) -> list[str]:
        table_command(None, Choice(**chosen), "csv", None, None, store.root)
        return list(dict.fromkeys(line.split(",")[1] for line in capsys.readouterr().out.splitlines()[1:]))

    assert rows(methods="vqvae", tasks="bbt") == ["vqvae"]
    assert rows(methods="vqvae*", tasks="bbt") == ["vqvae", VARIANT]
    assert rows(methods=VARIANT, tasks="bbt") == [VARIANT]
    assert rows(methods="vqvae", tasks="buffy") == [VARIANT], "there is no other"
    assert rows(methods="pdr,vqvae", tasks="bbt") == ["vqvae", "pdr"], "it is set in one way"
