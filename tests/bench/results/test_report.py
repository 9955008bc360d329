"""The page of a run: whole, self-contained, and right in a real browser where there is one."""

import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from record_factory import record

from bench.commands.report import report_command
from bench.execution.invocations import invocations
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.report import charts
from bench.results.report.charts import LINES, bars, correlations, curves, heatmap, sweep, told
from bench.results.report.drawn import Charts
from bench.results.report.page import first_seeds
from bench.results.table import build
from datasets.errors import BenchError

Grid = Callable[..., tuple[int, list[Record]]]
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Elements(HTMLParser):
    """Counts elements, and keeps every address that an element would load."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.counts[tag] = self.counts.get(tag, 0) + 1
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href")]


@pytest.fixture
def page(grid: Grid, own_methods: Path, tmp_path: Path) -> Path:
    grid(f"{own_methods}:Tiny,raw_pixels")
    [run] = invocations(tmp_path / "store")
    [name] = [name for name in run.figures if name.endswith(".html")]
    return tmp_path / "store" / name


def test_the_page_needs_nothing_but_itself(page: Path) -> None:
    found = Elements()
    found.feed(page.read_text())
    assert found.counts["table"] >= 4
    assert found.counts["svg"] >= 2, "a chart of the scores and the learning curves"
    assert found.counts["img"] >= 2, "contact sheets of both clusterings"
    outside = [address for address in found.addresses if not address.startswith(("data:", "#"))]
    assert not outside, outside


def test_the_page_says_what_it_is_of(page: Path) -> None:
    text = page.read_text()
    assert "Synthetic data." in text, "trained on drawn images"
    assert re.search(r'<table data-task="tracks:[^"]*">', text)
    assert "cluster (majority)" in text
    assert "@article{ward1963hierarchical" in text[text.index('id="cite"') :]


@pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed")
@pytest.mark.parametrize("options", [["--window-size=390,844"], ["--blink-settings=preferredColorScheme=0"]])
def test_a_browser_opens_it_without_a_complaint(page: Path, tmp_path: Path, options: list[str]) -> None:
    assert BROWSER is not None
    done = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--enable-logging=stderr", "--dump-dom", *options, page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.count("<table data-task=") == 1
    assert "CONSOLE" not in done.stderr, done.stderr


def test_a_report_of_the_latest_run(page: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report_command(None, tmp_path / "again.html", open_page=False, store=tmp_path / "store")
    assert str(tmp_path / "again.html") in capsys.readouterr().out
    made = re.compile(r"page made [^<]*")
    assert made.sub("", (tmp_path / "again.html").read_text()).count("<svg") == page.read_text().count("<svg")


def test_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no run in .*: start with"):
        report_command(None, None, open_page=False, store=Store(tmp_path / "empty").root)
    with pytest.raises(BenchError, match="no such invocation"):
        report_command("absent", None, open_page=False, store=tmp_path / "empty")


def test_charts_leave_out_what_there_is_not() -> None:
    (section,) = build([record("pdr", status="failed", error="x")]).sections
    assert bars(section) == ""
    assert curves({"steps": 3}) == ""
    (section,) = build([record("pdr", value=0.4), record("vqvae", value=0.6)]).sections
    chart = bars(section)
    assert chart.startswith("<svg")
    assert "#000000" not in chart, "ink is the page's own colour"


def test_a_sweep_has_a_line_per_method() -> None:
    points = [{"name": name, "metrics": {"accuracy": value}} for name, value in (("0-12", 0.9), ("12-25", 0.5))]
    details = {"curve": {"axis": "light angle, degrees", "points": points}}
    chart = sweep([record("pdr", "yaleb", details=details), record("vqvae", "yaleb", details=details)])
    assert "light angle, degrees" in chart
    assert all(name in chart for name in ("pdr", "vqvae", "0-12"))


def test_many_sweeps_are_rows_of_numbers() -> None:
    points = [{"name": name, "metrics": {"accuracy": value}} for name, value in (("0-12", 0.91), ("12-25", 0.52))]
    details = {"curve": {"axis": "light angle, degrees", "points": points}}
    chart = sweep([record(f"pdr[nf={place}]", "yaleb", details=details) for place in range(LINES + 1)])
    assert chart.count(">0.91<") == chart.count(">0.52<") == LINES + 1
    assert "pdr[nf=3]" in chart


def test_correlations_are_a_map_without_its_diagonal() -> None:
    pairs = {"geometry-albedo": 0.31, "geometry-light": 0.12, "albedo-light": 0.23}
    details = {"mean": 0.22, "groups": ["geometry", "albedo", "light"], "pairs": pairs}
    chart = correlations(record("pdr", "pcc:bbt", details={"pcc": details}))
    assert [chart.count(f"{value:.2f}<") for value in pairs.values()] == [2, 2, 2], "both ways round"
    assert "1.00" not in chart


def test_a_map_leaves_out_what_there_is_not() -> None:
    chart = heatmap(["a"], ["b", "c"], [[0.25, None]], "two of one")
    assert chart.count(">0.25<") == 1
    assert 'aria-label="two of one"' in chart


def test_what_groups_tell_is_a_map_of_groups_and_scene_parameters() -> None:
    matrix = {"rows": ["geometry", "albedo"], "columns": ["view", "light"], "values": [[0.41, 0.02], [0.13, 0.34]]}
    chart = told(record("pdr", "disentanglement", details={"disentanglement": matrix}))
    assert all(f">{value:.2f}<" in chart for row in matrix["values"] for value in row)  # type: ignore[arg-type]
    assert all(name in chart for name in ("geometry", "albedo", "view", "light"))


def test_pictures_are_of_each_methods_first_seed() -> None:
    records = [record(method, seed=seed) for method in ("pdr", "vqvae") for seed in (2, 0, 1)]
    assert [(one.method, one.seed) for one in first_seeds(records)] == [("pdr", 0), ("vqvae", 0)]


def test_a_chart_is_drawn_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[object] = []
    monkeypatch.setattr(charts, "bars", lambda section: drawn.append(section) or f"<svg>{len(drawn)}</svg>")
    one, other = (build([record("pdr", value=value)]).sections[0] for value in (0.4, 0.5))
    made = [Charts(Store(tmp_path)).bars(section) for section in (one, other, one)]
    assert made == ["<svg>1</svg>", "<svg>2</svg>", "<svg>1</svg>"]
    assert drawn == [one, other]
