"""A task and a method of a user's own show up wherever results do, without a line in the harness."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.commands.compare import compare_command
from bench.commands.table import cite_command
from bench.execution.invocations import invocations
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.regression import Suite, calibrated, findings
from bench.results.report.page import render
from bench.results.table.documents import to_html, to_latex

TASK = """
import numpy as np

from tasks.base import Caption, Curve, Interval, Metric, PerItem, Picture, Scores, Task


class Colours(Task):
    '''How far a method's first feature is from the image's brightness.'''

    dataset = "utkface"
    metrics = (
        Metric("agreement", title="agreement"),
        Metric("offset", title="offset", unit="grey levels", higher_is_better=False, high=255.0,
               cites=("@book{munsell1905, title={A Color Notation}}",)),
    )

    def evaluate(self, inputs):
        brightness = inputs.dataset.images[inputs.frames].mean(axis=(1, 2, 3))
        first = np.asarray(inputs.features[:, 0]) * 255
        errors = np.abs(first - brightness)
        return Scores(
            {"agreement": float((errors < 64).mean()), "offset": float(errors.mean())},
            intervals={"offset": Interval(float(errors.min()), float(errors.max()), "items")},
            captions=[Caption("Brightness is {mean:.1f} on average.", {"mean": float(brightness.mean())})],
            notes=["one number per image decides"],
            charts=[Curve("offset by image", "image", "offset", (0.0, 1.0), (float(errors[0]), float(errors[1])))],
            pictures={"first": Picture(np.asarray(inputs.dataset.images[0]), "the first image of all")},
            predictions={"frame": inputs.frames, "offset": errors, "agreement": (errors < 64).astype(float)},
            per_item=PerItem(),
        )
"""

METHOD = """
from methods.base import Method


class Means(Method):
    '''Mean colour of an image.'''

    stateless = True
    cites = ("@article{newton1672, title={New Theory about Light and Colors}}", "wu2020unsup3d")

    def encode(self, images):
        return images.mean(dim=(2, 3))
"""


@pytest.fixture
def own(tmp_path: Path) -> tuple[str, str]:
    """The method and the task, each in one file."""
    (tmp_path / "own_colours.py").write_text(TASK)
    (tmp_path / "own_means.py").write_text(METHOD)
    return f"{tmp_path}/own_means.py:Means", f"{tmp_path}/own_colours.py:Colours"


def test_a_task_and_a_method_of_ones_own_in_everything_that_is_made_of_results(
    grid: Callable[..., tuple[int, list[Record]]],
    own: tuple[str, str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    method, task = own
    code, records = grid(f"{method},raw_pixels", tasks=task)
    assert code == 0, [record.error for record in records]
    mine, pixels = records
    assert mine.metrics["offset"] < pixels.metrics["offset"]
    store = Store(tmp_path / "store")
    table = tables.build(records)

    console = Console(width=200, record=True, file=io.StringIO())
    console.print(tables.to_rich(table))
    written = {
        "terminal": console.export_text(),
        "Markdown": tables.to_markdown(table),
        "LaTeX": to_latex(table, "mine"),
        "HTML": to_html(table, "mine"),
    }
    for form, text in written.items():
        for words in ("agreement", "offset [grey levels]", "Brightness is", "Less is better: offset"):
            assert words in " ".join(text.split()), f"{words!r} is not in {form}: {text}"
    for form in ("terminal", "Markdown"):
        assert "one number per image decides" in written[form], f"no note in {form}"
    lines = tables.to_csv(table).splitlines()
    assert any("own_means.py:Means,offset" in line and "grey levels,lower" in line for line in lines), lines

    [run] = invocations(store.root)
    page = render(run, records, store)
    told = ("offset [grey levels]", "Brightness is", "one number per image decides")
    for words in (*told, "offset by image", "the first image of all", "munsell1905", "newton1672", "wu2020unsup3d"):
        assert words in page, f"{words!r} is not on the page"

    compare_command(run.id, run.id, "md", store.root)
    assert "offset" in capsys.readouterr().out
    cite_command(run.id, store.root)
    cited = capsys.readouterr().out
    assert all(key in cited for key in ("munsell1905", "newton1672", "wu2020unsup3d"))

    suite = Suite(methods=method, tasks=task)
    reference = calibrated(suite, [records, records], records, store, run.started)
    assert not findings(reference, records, store)
    worse = [mine.model_copy(update={"metrics": {**mine.metrics, "offset": mine.metrics["offset"] + 9}}), pixels]
    [finding] = findings(reference, worse, store)
    assert "offset" in finding.text


def test_the_best_row_is_the_one_with_less_of_what_is_better_low(
    grid: Callable[..., tuple[int, list[Record]]], own: tuple[str, str]
) -> None:
    method, task = own
    _, records = grid(f"{method},raw_pixels", tasks=task)
    [section] = tables.build(records).sections
    best: dict[str, Any] = {row.method: row.scores[1].value for row in section.rows if row.scores[1].best}
    assert min(record.metrics["offset"] for record in records) in best.values()
