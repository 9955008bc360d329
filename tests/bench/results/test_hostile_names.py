"""Records whose every text is hostile, through every output, each read by a reader of its format."""

import csv
import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hostile import NAMES
from markdown_it import MarkdownIt
from record_factory import record

from bench import escaping
from bench.commands.compare import compare_command
from bench.execution.invocations import Invocation
from bench.execution.progress import RichProgress
from bench.pipeline.records import DatasetInfo, Record, StageCost
from bench.pipeline.store import Store
from bench.results.readme import readme_table
from bench.results.report.page import render
from bench.results.table import Table, build, to_csv, to_markdown, to_rich
from bench.results.table.documents import to_html, to_latex
from bench.terminal import Terminal
from datasets.names import printable
from tasks.results import Caption, Curve, DetailTable, Heatmap, Metric, PerItem

NUMBER = re.compile(r"-?\d+(\.\d+)?(e-?\d+)?")


def hostile(name: str, **changes: Any) -> Record:
    """A record all of whose texts are `name`."""
    metric = Metric("accuracy", title=name, unit=name)
    charts = [
        Curve(title=name, x_label=name, y_label=name, x=(name, "b"), y=(0.1, 0.9)),
        Heatmap(name, (name,), (name,), ((0.5,),), name),
        DetailTable(name, (name, name), ((name, (name,)),)),
    ]
    data = DatasetInfo(name=name, synthetic=False, digest="d" * 64, images=3, skipped={name: 1})
    training = {name: {"curve": [{"step": 1, "train": {f"{name}/loss": 0.5}}], "precision": name}}
    values = {"metrics": {"accuracy": 0.5}, "intervals": {}, "declared": [metric], "per_item": PerItem()}
    made = record(
        **{**values, "captions": [Caption(name)], "charts": charts, "notes": [name], "dataset": data, **changes},
        training_dataset=data,
        training=training,
        stages={"fit": StageCost(key="f" * 32, seconds=1.0, peak_memory_mb=1.0)},
    )
    return made.model_copy(update={"method": name, "task": name})


def failed(name: str) -> Record:
    """A record of another method on the same task, which failed for the reason `name`."""
    return record(seed=1, status="failed", error=name, dataset=None, trained=False).model_copy(
        update={"task": name, "seed": 0}
    )


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def records(name: str) -> list[Record]:
    return [hostile(name), failed(name)]


@pytest.fixture
def table(records: list[Record]) -> Table:
    return build(records)


class Tags(HTMLParser):
    """The kinds of elements and attributes of a page, and its texts."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(attribute for attribute, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def tags(page: str) -> Tags:
    found = Tags()
    found.feed(page)
    return found


def test_a_page_has_the_elements_of_a_page_of_plain_names(records: list[Record], name: str, tmp_path: Path) -> None:
    now, store = datetime(2026, 1, 2, tzinfo=UTC), Store(tmp_path / "store")

    def page(of: list[Record], argument: str) -> str:
        run = Invocation(id="run", started=now, argv=[argument], profile="mini", protocol="default", suite=argument)
        return render(run, of, store)

    text = page(records, name)
    found, plain = tags(text), tags(page([hostile("plain"), failed("plain")], "x"))
    assert found.tags == plain.tags
    assert found.attributes == plain.attributes
    assert not any(attribute.startswith("on") for attribute in found.attributes)
    assert escaping.lines(name) in found.texts
    assert escaping.lines(text) == text, "no control characters"
    charts = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(charts) == 4, "bars, losses, curves and a heatmap"
    for chart in charts:
        ElementTree.fromstring(chart)


def test_a_table_of_its_own_in_html(table: Table, name: str) -> None:
    found = tags(to_html(table, name))
    assert found.tags <= {
        *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "div", "ol", "li", "sup"),
        *("table", "thead", "tbody", "tr", "th", "td"),
    }
    assert found.attributes <= {"lang", "charset", "name", "content", "scope", "class", "data-task"}
    assert escaping.lines(name) in found.texts


@pytest.mark.parametrize("verdicts", [False, True])
def test_markdown_rows_have_as_many_cells_as_the_head(table: Table, name: str, verdicts: bool) -> None:
    text = to_markdown(table, verdicts=verdicts)
    assert "".join(escaping.lines(text)) == text
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    cells: list[int] = []
    for token in tokens:
        if token.type == "tr_open":
            cells.append(0)
        elif token.type in ("th_open", "td_open"):
            cells[-1] += 1
    assert len(cells) >= 6, "the head, two methods, a line and three references"
    assert len(set(cells)) == 1
    kinds = {part.type for token in tokens for part in token.children or []}
    assert kinds <= {"text", "text_special", "softbreak", "em_open", "em_close", "html_inline"}
    html = {part.content for token in tokens for part in token.children or [] if part.type == "html_inline"}
    assert html <= {"<sup>", "</sup>"}
    assert {token.type for token in tokens if token.level == 0} == {
        *("paragraph_open", "inline", "paragraph_close", "heading_open", "heading_close"),
        *("table_open", "table_close", "ordered_list_open", "ordered_list_close"),
    } - {"inline"}


def test_csv_has_no_formula_and_one_line_per_row(table: Table, name: str) -> None:
    text = to_csv(table)
    rows = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in rows} == {len(rows[0])}
    assert len(text.splitlines()) == len(rows) == 1 + 5
    assert printable(name) in {field.removeprefix("'") for row in rows for field in row} | {printable(name)[1:]}
    for field in (field for row in rows for field in row):
        assert not field.lstrip().startswith(tuple("=+-@＝＋－＠")) or NUMBER.fullmatch(field)


def test_latex_rows_have_as_many_cells_as_the_head(table: Table, name: str) -> None:
    text = to_latex(table, escaping.latex(name))
    rows = [line for line in text.splitlines() if line.endswith(r" \\")]
    assert len(rows) == 2 + 5
    cells = {len(re.findall(r"(?<!\\)&", line)) for line in rows[1:]}
    assert len(cells) == 1
    assert escaping.latex(name) in text
    assert text.count(r"\begin{") == text.count(r"\end{") == 2
    assert not re.search(r"(?<!\\)[$#%]", text)


@pytest.mark.parametrize("width", [80, 300])
def test_a_terminal_is_sent_no_code_and_no_picture(table: Table, name: str, width: int) -> None:
    console = Terminal(width=width, file=io.StringIO(), force_terminal=True, color_system=None, record=True)
    with RichProgress(console) as progress:
        progress.cell = name
        progress.say(name)
        list(progress.track([1], total=1, what=name))
    console.print(to_rich(table))
    console.print(name, soft_wrap=True)
    text = console.export_text()
    assert escaping.lines(text) == text
    # Rich itself drops some control characters.
    shown = escaping.lines(re.sub("[\a\b\v\f\r]", "", name))
    assert "".join(shown.split()) in "".join(text.split())


@pytest.mark.parametrize("form", ["md", "csv"])
def test_runs_are_compared(name: str, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path / "store")
    stored = name.encode("utf-8", "replace").decode()  # a file holds no half of a surrogate pair
    kept = record(stored, "own", metrics={stored: 0.5}, intervals={})
    kept.write(store.record_path(kept.key))
    run = Invocation(
        id="run",
        started=datetime(2026, 1, 2, tzinfo=UTC),
        argv=["run"],
        profile="mini",
        protocol="default",
        suite="tests",
        cells=[f"records/{kept.key}.json"],
    )
    run.write(store.root)
    compare_command("run", "run", form, store.root)
    text = capsys.readouterr().out
    assert escaping.lines(text) == text
    if form == "csv":
        [head, row] = csv.reader(io.StringIO(text))
        assert len(head) == len(row)
        assert row[0][:1] not in tuple("=+-@")
    else:
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines()}) == 1


def test_readme_shows_rows_of_such_names(table: Table, tmp_path: Path) -> None:
    (tmp_path / "table.csv").write_text(to_csv(table), encoding="utf-8")
    lines = readme_table(tmp_path / "table.csv").splitlines()
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1
    assert len(lines) == 2 + 5
