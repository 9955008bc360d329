"""What a row says of a training, or a test set, that is not the paper's; and that it is not compared then."""

import csv
import html
import io
from typing import Any

import pytest
from record_factory import record

from bench.grid.catalogue import METHODS, TASKS
from bench.grid.request import Options
from bench.pipeline.records import DatasetInfo, Record
from bench.pipeline.specs import task_spec
from bench.results.published import load
from bench.results.table import Row, build, to_csv, to_markdown
from bench.results.table.departures import as_in_the_paper
from bench.results.table.documents import to_html, to_latex
from datasets.official import COUNTS


def info(name: str, images: int, **counts: int) -> DatasetInfo:
    return DatasetInfo(name=name, synthetic=False, digest=f"{name} {images}", images=images, counts=counts)


BBT = info("bbt", 9_000, **COUNTS["bbt"])
WHOLE: dict[str, Any] = {
    "profile": "paper",
    "method_config": {},
    "task_config": {},
    "dataset": BBT,
    "training_dataset": info("utkface", 23_708),
}


def rows(method: str = "vqvae", **changes: Any) -> list[Record]:
    """Three trainings of the paper's size, but for `changes`; VQ-VAE is published with 0.4168 on BBT."""
    values = (0.41, 0.42, 0.43)
    return [record(method, seed=seed, **{"value": value, **WHOLE, **changes}) for seed, value in enumerate(values)]


def of(records: list[Record]) -> tuple[Row, tuple[str, ...]]:
    """The row of the records, and its notes."""
    (section,) = build(records).sections
    row = next(row for row in section.rows if row.method == records[0].method)
    return row, tuple(section.notes[number - 1] for number in row.notes)


def test_a_row_as_in_the_paper_is_compared_and_carries_nothing() -> None:
    row, notes = of(rows())
    assert notes == ()
    assert row.scores[0].verdict == "within noise"
    assert row.scores[0].difference is not None


@pytest.mark.parametrize(
    ("changes", "carried"),
    [
        (
            {"training_dataset": info("utkface", 3_005)},
            "trained for 1,000 steps on 3,005 images in place of utkface's 23,708",
        ),
        ({"dataset": info("bbt", 135, tracks=45)}, "tested on 45 tracks in place of bbt's 643"),
        ({"dataset": info("bbt", 9_000, tracks=644)}, "tested on 644 tracks in place of bbt's 643"),
        ({"dataset": info("bbt", 9_000)}, "tested on a part of bbt whose size is not known"),
        (
            {"method_config": {"schedule": {"max_steps": 2}}, "training": {"steps": 2}},
            "trained for 2 steps on 23,708 images",
        ),
        (
            {"method_config": {"schedule": {"max_steps": 1}}, "training": {"steps": 1}},
            "trained for 1 step on 23,708 images",
        ),
        (
            {"method_config": {"schedule": {"max_steps": 2}}, "training": {}},
            "trained for a number of steps that is not known on 23,708 images",
        ),
        ({"profile": "mini"}, "trained for 1,000 steps on 23,708 images"),
    ],
)
def test_another_training_or_test_set_is_carried_and_not_compared(changes: dict[str, Any], carried: str) -> None:
    records = rows(**changes)
    row, notes = of(records)
    assert notes == (carried,)
    score = row.scores[0]
    assert score.published is not None
    assert (score.difference, score.verdict) == (None, "not the paper's size: not comparable")
    table = build(records)
    assert any(text.endswith("no difference is given: vqvae.") for text in table.captions)
    for text in (to_markdown(table), html.unescape(to_html(table, "one")), to_latex(table, "one")):
        assert carried in text
    line = next(line for line in csv.DictReader(io.StringIO(to_csv(table))) if line["method"] == "vqvae")
    assert line["notes"] == carried


def test_a_part_of_an_official_split() -> None:
    part = info("rafdb", 300, test=120)
    assert of(rows(task="rafdb", dataset=part))[1] == ("tested on 120 test images in place of rafdb's 3,068",)
    assert of(rows(task="rafdb", dataset=info("rafdb", 300, test=3_068)))[1] == ()


def test_steps_of_several_trainings_and_of_stages() -> None:
    short = [
        one.model_copy(update={"profile": "mini", "training": {"steps": steps}})
        for one, steps in zip(rows(), (900, 1_200, 1_000), strict=True)
    ]
    assert of(short)[1] == ("trained for 900 to 1,200 steps on 23,708 images",)
    staged = rows(profile="mini", training={"gan": {"steps": 4}, "e4e": {"steps": 8}, "seconds": 2.0})
    assert of(staged)[1] == ("trained for 4 (gan) and 8 (e4e) steps on 23,708 images",)


def test_another_protocol_of_the_task_is_not_compared() -> None:
    """The method's settings are looked at by `test_verdicts`; a task may be set otherwise too."""
    score = of(rows(task_config={"normalise": "l2", "protocol": "default"}))[0].scores[0]
    assert score.verdict == "not the paper's size: not comparable"
    as_it_is = of(rows(task_config={"normalise": "none", "protocol": "default"}))[0].scores[0]
    assert as_it_is.verdict == "within noise"


def test_settings_but_the_schedule_leave_the_training_as_it_is() -> None:
    row, notes = of(rows(method_config={"width": 416}))
    assert notes == ()
    assert row.scores[0].difference is None


def test_methods_of_ones_own_say_how_they_were_trained() -> None:
    assert of(rows("mine.py:Mine"))[1] == ("trained for 1,000 steps on 23,708 images",)


def test_drawn_test_data_are_another_test_and_what_trains_nothing_carries_nothing() -> None:
    drawn = DatasetInfo(name="bbt", synthetic=True, digest="d", images=9)
    assert of(rows(dataset=drawn, profile="mini"))[1] == ()
    assert of(rows("raw_pixels", training_dataset=None, profile="mini"))[1] == ()


def test_whatever_is_published_can_be_compared_in_the_papers_profile() -> None:
    """The settings of a name in that profile are the paper's, of every method and task with a figure."""
    pairs = {(method, task) for method, task, _ in load().attributed if method in METHODS.entries()}
    known = [(method, task) for method, task in sorted(pairs) if task in TASKS.entries()]
    assert len(known) > 30
    for method, name in known:
        options = Options(methods=method, tasks=name, profile="paper", data="synthetic", baselines=False)
        request = options.request()
        config = task_spec(request.tasks[0], request).config
        one = record(method, name, profile="paper", method_config={}, task_config=config)
        assert as_in_the_paper(one), (method, name)
