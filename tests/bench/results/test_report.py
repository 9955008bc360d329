"""The page of a run: whole, self-contained, and right in a real browser where there is one."""

import base64
import io
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from record_factory import record

from bench.commands.report import report_command
from bench.execution.invocations import Invocation, invocations
from bench.pipeline.records import PictureFile, Record, StageCost
from bench.pipeline.store import Store
from bench.results.report import charts
from bench.results.report.charts import LINES, bars, curves, heatmap, losses
from bench.results.report.confusion import SHOWN, confusion
from bench.results.report.drawn import Charts
from bench.results.report.films import Film, films, sheets
from bench.results.report.images import ItemImages, thumbnails
from bench.results.report.page import first_seeds, render
from bench.results.table import build
from datasets.errors import BenchError
from datasets.sealed import digests
from tasks.contact_sheet import contact_sheet, panel
from tasks.results import Curve, DetailTable, Heatmap, Legend, Metric, PerItem

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


def test_a_repeat_has_the_page_that_there_is(page: Path, grid: Grid, own_methods: Path, tmp_path: Path) -> None:
    grid(f"{own_methods}:Tiny,raw_pixels")
    *_, repeat = invocations(tmp_path / "store")
    [name] = [name for name in repeat.figures if name.endswith(".html")]
    assert [(tmp_path / "store" / name).resolve()] == [page.resolve()]
    assert len(list(page.parent.glob("*.html"))) == 1
    page.unlink()
    grid(f"{own_methods}:Tiny,raw_pixels")
    assert len(list(page.parent.glob("*.html"))) == 1, "where it is gone it is written anew"


def test_nothing_to_report(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match=r"no run in .*: start with"):
        report_command(None, None, open_page=False, store=Store(tmp_path / "empty").root)
    with pytest.raises(BenchError, match="no such invocation"):
        report_command("absent", None, open_page=False, store=tmp_path / "empty")


def test_charts_leave_out_what_there_is_not() -> None:
    (section,) = build([record("pdr", status="failed", error="x")]).sections
    assert bars(section) == ""
    assert losses({"steps": 3}) == ""
    (section,) = build([record("pdr", value=0.4), record("vqvae", value=0.6)]).sections
    chart = bars(section)
    assert chart.startswith("<svg")
    assert "#000000" not in chart, "ink is the page's own colour"


def test_a_legend_says_what_the_marks_of_bars_are() -> None:
    (drawn,) = build([record("pdr", value=0.4, synthetic=True), record("vqvae", value=0.6, synthetic=True)]).sections
    plain = bars(drawn)
    assert ">learned<" in plain
    assert ">95 % interval<" in plain
    assert not any(f">{text}<" in plain for text in ("for reference", "published", "best, or not told from it"))
    best = replace(drawn.rows[0], scores=(replace(drawn.rows[0].scores[0], best=True, difference=0.1, published=0.5),))
    reference = replace(drawn.rows[1], reference=True)
    marked = bars(replace(drawn, rows=(best, reference)))
    assert all(f">{text}<" in marked for text in ("for reference", "published", "best, or not told from it"))


def test_lines_are_told_apart_without_colour() -> None:
    chart = curves([(f"method {place}", swept(0.9, 0.1 * place)) for place in range(LINES)], "by angle")
    groups = re.findall(r'<g id="line2d_\d+">\s*<path d="[^"]*" clip-path[^>]*style="([^"]*)"', chart)
    styles = {(re.findall(r"stroke: (#\w+)", style)[0], "dasharray" in style) for style in groups}
    assert len(styles) == LINES


def test_the_losses_of_one_epoch_have_marks() -> None:
    """A line through one point is nothing; neither is one between a loss and one that was not finite."""
    epochs = [{"step": step, "train": {"loss": 0.3}, "validation": {"loss": 0.2}} for step in (4, 8)]
    broken = [epochs[0], {**epochs[1], "validation": {"loss": None}}]

    def marks(curve: list[dict[str, Any]]) -> int:
        return len(re.findall(r'<use [^>]*style="fill', losses({"curve": curve})))

    assert marks(epochs[:1]) == marks(epochs) + 4, "each in the chart and in its legend"
    assert marks(broken) == marks(epochs) + 2


def test_bars_are_of_the_main_metric_in_its_own_words() -> None:
    declared = [Metric("angle", title="light", unit="degrees", higher_is_better=False, high=180.0), Metric("other")]
    metrics = {"angle": 30.0, "other": 0.5}
    (section,) = build([record("pdr", "own", metrics=metrics, intervals={}, declared=declared)]).sections
    chart = bars(section)
    assert "light [degrees] (less is better)" in chart
    assert 'aria-label="light [degrees] on own by method"' in chart
    assert ">180<" not in chart, "no further than the values"


def swept(first: float, second: float, **changes: Any) -> Curve:
    values: dict[str, Any] = {"title": "by angle", "x_label": "light angle, degrees", "y_label": "accuracy"}
    return Curve(**{**values, "x": ("0-12", "12-25"), "y": (first, second), **changes})


def test_curves_have_a_line_per_method() -> None:
    bounds = {"low": (0.8, 0.4), "high": (1.0, 0.6)}
    chart = curves([("pdr", swept(0.9, 0.5, **bounds)), ("vqvae", swept(0.9, 0.5))], "by angle on yaleb")
    assert "light angle, degrees" in chart
    assert all(f">{name}<" in chart for name in ("pdr", "vqvae", "0-12", "accuracy"))
    assert curves([], "nothing") == ""
    assert ">40<" in curves([("pdr", swept(0.9, 50.0, x=(20.0, 40.0)))], "numbers on an axis")


def test_many_curves_are_rows_of_numbers() -> None:
    named = [(f"pdr[nf={place}]", swept(0.91, 0.52)) for place in range(LINES)]
    chart = curves([*named, ("short", swept(0.33, 0.0, x=("0-12",), y=(0.33,)))], "by angle on yaleb")
    assert chart.count(">0.91<") == chart.count(">0.52<") == LINES
    assert chart.count(">0.33<") == 1
    assert "pdr[nf=3]" in chart
    assert "light angle, degrees" in chart


def test_rows_of_numbers_of_any_unit_are_darker_the_larger() -> None:
    """Decibels, and what may be negative; what lies in [0, 1] is as dark as ever."""

    def shades(first: float, second: float) -> list[float]:
        chart = curves([(f"pdr[nf={place}]", swept(first, second)) for place in range(LINES + 1)], "by angle")
        return sorted({float(found) for found in re.findall(r"opacity: ([\d.]+)", chart)})

    assert shades(10.0, 20.0) == [0.35, 0.7]
    assert shades(-1.0, 1.0) == [0.0, 0.7]
    assert shades(0.5, 0.2) == [0.14, 0.35]


def test_a_heatmap_leaves_out_what_there_is_not() -> None:
    matrix = Heatmap("groups", ("light", "view"), ("light", "view"), ((None, 0.31), (0.31, None)), "group")
    chart = heatmap(matrix, "two of four")
    assert chart.count(">0.31<") == 2
    assert "1.00" not in chart
    assert 'aria-label="two of four"' in chart
    assert all(f">{name}<" in chart for name in ("light", "view", "group"))


def test_names_do_not_break_out_of_a_chart() -> None:
    name = 'tracks:/a "b" <script>$x_1$'
    (section,) = build([record("pdr", name)]).sections
    for chart in (bars(section), curves([(name, swept(0.9, 0.5, title=name))], name)):
        head = chart[: chart.index(">")]
        assert "&quot;b&quot; &lt;script&gt;$x_1$" in head
        assert head.count('"') % 2 == 0
        assert "<script" not in chart
        ElementTree.fromstring(chart.replace("xlink:", ""))


@pytest.fixture
def detailed(tmp_path: Path) -> tuple[list[Record], Store]:
    """Records with everything that a page shows of a task; the first's arrays and picture are in the store."""
    store = Store(tmp_path / "store")
    folder = store.predictions("p")
    folder.mkdir(parents=True)
    np.save(folder / "cluster.npy", np.array([0, 0, 1, 1, -1]))
    np.save(folder / "label.npy", np.array([0, 1, 1, 1, -1]))
    Image.new("RGB", (4, 4), "red").save(folder / "pdr-maps.png")
    matrix = Heatmap("what groups tell", ("light",), ("view",), ((0.41,),))
    table = DetailTable("by <part>", ("part", "share"), (("nose", ("0.25",)),))
    shown: dict[str, Any] = {"charts": [swept(0.9, 0.5), matrix, table]}
    clustering = record(
        predictions="predictions/p",
        details={"classes": ["ann", "bob"]},
        pictures=[
            PictureFile(file="pdr-maps.png", caption="maps & truth"),
            PictureFile(file="gone.png", caption="gone"),
        ],
        **shown,
    )
    return [clustering, record("vqvae", per_item=PerItem(), **shown), record("vqvae", "buffy")], store


def rendered(records: list[Record], store: Store) -> str:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    run = Invocation(id="run", started=now, argv=["run"], profile="mini", protocol="default", suite="suite")
    return render(run, records, store)


def test_a_task_has_one_section_of_details(detailed: tuple[list[Record], Store]) -> None:
    page = rendered(*detailed)
    assert page.count('<h2 id="task-1">bbt</h2>') == page.count('<a href="#task-1">bbt</a>') == 1
    assert "task-2" not in page, "buffy has nothing but its table"
    section = page[page.index('id="task-1"') : page.index('id="costs"')]
    assert section.count("<h3>by angle</h3>") == section.count("<h3>what groups tell</h3>") == 1
    assert section.count("<svg") == 3, "one chart of curves, a heatmap per method"
    assert section.count("<caption>by &lt;part&gt;</caption>") == 2
    assert section.count("<details") == 2
    assert section.count("<details open>") == 1, "a clustering's is folded"
    assert "pdr, seed 0: accuracy 0.500</summary>" in section
    assert ">1 (ann)</th>" in section
    assert ">2 (bob)</th>" in section
    assert section.count("<figcaption>maps &amp; truth</figcaption>") == 1
    assert "gone" not in section


def filmed(store: Store, method: str, *strips: str) -> Record:
    """A record whose picture has one strip of each colour."""
    folder = store.predictions(method)
    folder.mkdir(parents=True)
    pixels = np.concatenate([np.asarray(Image.new("RGB", (8, 4), colour)) for colour in strips])
    Image.fromarray(pixels).save(folder / f"{method}-film.png")
    rows = tuple(f"row <{place}>" for place in range(len(strips)))
    picture = PictureFile(file=f"{method}-film.png", caption="a film", rows=rows, columns=("-5", "5"))
    return record(method, predictions=f"predictions/{method}", pictures=[picture])


def test_strips_of_several_methods_stand_below_each_other(tmp_path: Path) -> None:
    """What is the same for all is shown once; methods in the table's order, references last."""
    store = Store(tmp_path / "store")
    records = [
        filmed(store, "raw_pixels", "red", "blue"),
        filmed(store, "vqvae", "red", "green"),
        filmed(store, "pdr", "red", "blue"),
    ]
    [shown] = films(records, store)
    assert (shown.caption, shown.columns) == ("a film", ("-5", "5"))
    assert [name for name, _ in shown.strips] == ["row <0>", "row <1>: raw_pixels", "row <1>: vqvae", "row <1>: pdr"]
    uris = [uri for _, uri in shown.strips]
    assert uris[1] == uris[3] != uris[2]
    with Image.open(io.BytesIO(base64.b64decode(uris[2].partition(",")[2]))) as strip:
        assert strip.size == (8, 4)
        assert strip.getpixel((0, 0)) == (0, 128, 0)
    page = rendered(records, store)
    places = [page.index(f'<th scope="row">row &lt;1&gt;: {name}</th>') for name in ("vqvae", "pdr", "raw_pixels")]
    assert places == sorted(places)
    assert page.count("<span>-5</span><span>5</span>") == 1
    assert page.count("<figcaption>a film</figcaption>") == 1
    assert page.count('alt="row &lt;0&gt;"') == 1


def pixels_of(uri: str) -> np.ndarray:
    """The pixels of a data URI."""
    with Image.open(io.BytesIO(base64.b64decode(uri.partition(",")[2]))) as opened:
        return np.asarray(opened.convert("RGB"))


def test_a_sheet_is_shown_by_its_pixels_and_named_by_the_page(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    shown = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3), dtype=np.uint8)
    columns = {"input": shown, "a <mask>": 255 - shown}
    target = tmp_path / "sheet.png"
    contact_sheet(columns, "demo", ["yes", "no"]).save(target)
    legend = Legend(("skin", "a <hair>"), ("#000000", "#cc0000"))
    place = panel(columns, "demo", ["yes", "no"])
    picture = PictureFile(file=target.name, caption="what is what", panels=(place, place), legend=legend)
    first, last = sheets(target, picture, "pdr on bbt", store)
    assert isinstance(first, Film)
    assert isinstance(last, Film)
    assert (first.caption, first.legend) == ("", None), "said once, below the last"
    assert (last.caption, last.legend, last.columns) == ("what is what", legend, ("input", "a <mask>"))
    assert [name for name, _ in last.strips] == ["yes", "no"]
    for row, (_, uri) in enumerate(last.strips):
        assert uri.startswith("data:image/webp"), "a third smaller than PNG"
        np.testing.assert_array_equal(pixels_of(uri), np.concatenate([shown[row], 255 - shown[row]], axis=1))
    again = sheets(target, picture, "pdr on bbt", store)[1]
    assert again == last


def test_the_page_tells_pictures_apart_in_words(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    folder = store.predictions("p")
    folder.mkdir(parents=True)
    columns = {"input": np.zeros((1, 4, 4, 3), np.uint8)}
    contact_sheet(columns).save(folder / "maps.png")
    Image.new("RGB", (4, 4), "red").save(folder / "whole.png")
    Image.new("RGB", (4, 4), "red").save(folder / "twice.png")
    bar = Legend(("against", "for"), ("#0072b2", "#d55e00"), bar=True)
    pictures = [
        PictureFile(file="maps.png", caption="maps", panels=(panel(columns, names=["image 5"]),), legend=bar),
        PictureFile(file="whole.png", caption="all"),
        PictureFile(file="twice.png", caption="seen already", on_page=False),
    ]
    page = rendered([record(predictions="predictions/p", pictures=pictures)], store)
    assert page.count('alt="pdr on bbt: image 5"') == page.count('alt="pdr on bbt: all"') == 1
    assert "linear-gradient(to right, #0072b2, #d55e00)" in page
    assert page.index("against <i") < page.index("</i> for")
    assert "seen already" not in page


def test_a_damaged_picture_is_said_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store(tmp_path / "store")
    own = filmed(store, "pdr", "red", "blue")
    whole = own.model_copy(update={"files": digests(store.predictions("pdr").iterdir())})
    assert len(films([whole], store)) == 1
    path = store.predictions("pdr") / "pdr-film.png"
    path.write_bytes(path.read_bytes()[:40])
    assert films([whole], store) == []
    assert "pdr-film.png is damaged" in capsys.readouterr().err


def test_of_one_method_alone_every_strip_has_its_name(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    [shown] = films([filmed(store, "pdr", "red", "blue")], store)
    assert [name for name, _ in shown.strips] == ["row <0>: pdr", "row <1>: pdr"]
    assert films([record("pdr")], store) == []


def test_notes_of_a_training_are_the_methods_and_not_a_tasks(tmp_path: Path) -> None:
    fit = {"fit": StageCost(key="f" * 32, seconds=1, peak_memory_mb=1)}
    notes = (["small model"], ["small model", "scenes left out"])
    records = [record(task=task, stages=fit, notes=own) for task, own in zip(("bbt", "buffy"), notes, strict=True)]
    page = rendered(records, Store(tmp_path / "store"))
    trainings = page[page.index('id="trainings"') : page.index('id="costs"')]
    assert "small model" in trainings
    assert "scenes left out" not in trainings


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


def clustered(tmp_path: Path, classes: int) -> Record:
    """A record of two items per class, one cluster each, with its arrays in the store."""
    folder = tmp_path / "store" / "predictions" / "many"
    folder.mkdir(parents=True)
    label = np.repeat(np.arange(classes), 2)
    np.save(folder / "cluster.npy", np.append(label, 7))
    np.save(folder / "label.npy", np.append(label, 7))
    return record(
        "pdr",
        predictions="predictions/many",
        per_item=PerItem("clustering", identity="label"),
        details={"classes": [f"person{number:04d}" for number in range(classes)]},
    )


def test_of_many_clusters_the_largest_are_shown(tmp_path: Path) -> None:
    """The page of a thousand people would be millions of cells, and its picture higher than a JPEG can be."""
    counts = confusion(clustered(tmp_path, 3000), Store(tmp_path / "store"))
    assert counts is not None
    assert (len(counts.rows), len(counts.headers), len(counts.rows[0][2])) == (SHOWN, SHOWN, SHOWN)
    assert counts.rows[7] == (8, "person0007", [(3 * (place == 7), float(place == 7)) for place in range(SHOWN)])
    assert (
        counts.left_out
        == "Shown: 40 of 3,000 clusters, the largest, and of 3,000 classes the 40 most frequent in them."
    )
    images = ItemImages(np.zeros((1, 8, 8, 3), dtype=np.uint8), np.zeros(6001, dtype=int))
    assert thumbnails(counts, images) is not None


def test_what_is_of_another_class_than_its_cluster_shows_without_colour_too(tmp_path: Path) -> None:
    own = clustered(tmp_path, 2)
    np.save(tmp_path / "store" / "predictions" / "many" / "label.npy", np.array([0, 0, 1, 0, 0]))
    np.save(tmp_path / "store" / "predictions" / "many" / "cluster.npy", np.array([0, 0, 0, 1, 1]))
    counts = confusion(own, Store(tmp_path / "store"))
    assert counts is not None
    white = ItemImages(np.full((1, 40, 40, 3), 255, dtype=np.uint8), np.zeros(5, dtype=int))
    rows = thumbnails(counts, white)
    assert rows is not None
    first, second = (pixels_of(row) for row in rows)
    assert first.shape == (46, 3 * 46, 3)
    assert second.shape == (46, 2 * 46, 3), "no wider than its images"
    corners = [first[4, left + 40].astype(int) for left in (0, 46, 92)]
    assert [bool(corner.min() > 200) for corner in corners] == [True, True, False], "the third's is cut off"


def test_of_few_clusters_all_are_shown(tmp_path: Path) -> None:
    counts = confusion(clustered(tmp_path, SHOWN), Store(tmp_path / "store"))
    assert counts is not None
    assert counts.left_out == ""
    assert [number for number, _, _ in counts.rows] == list(range(1, SHOWN + 1))


def test_the_page_says_what_it_leaves_out(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    table = DetailTable("by class", ("class", "score"), tuple((f"row {place}.", ("1",)) for place in range(500)))
    matrix = Heatmap("every pair", ("a",) * 500, ("b",) * 300, ((0.5,) * 300,) * 500)
    own = clustered(tmp_path, 1000).model_copy(update={"charts": [table, matrix]})
    text = rendered([own], store)
    assert len(text) < 1.5e6
    assert "Shown: 40 of 1,000 clusters" in text
    assert "Shown: the first 200 of 500 rows." in text
    assert ("row 199." in text, "row 200." in text) == (True, False)
    assert "shown: 40 of 500 rows, 40 of 300 columns" in text
