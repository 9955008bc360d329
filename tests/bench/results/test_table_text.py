"""The table as a person or a program reads it."""

import csv
import io

import pytest
from record_factory import record
from rich.console import Console

from bench.pipeline.records import Record
from bench.results.table import build, to_csv, to_markdown, to_rich
from bench.results.table.documents import to_html, to_latex
from tasks.results import Metric

METHODS = ("vqvae", "pdr", "pdr_loocc_l", "pdr_loocc_lv", "timm:resnet18", "chance", "raw_pixels", "random_init")


def grid(*, synthetic: bool = False) -> list[Record]:
    names = ("accuracy", "hungarian", "f1", "nmi")
    records = []
    for task in ("bbt", "buffy"):
        for number, method in enumerate(METHODS):
            plain = record(method, task, synthetic=synthetic, value=0.3 + 0.03 * number, half=0.01)
            wide = {
                "metrics": dict.fromkeys(names, plain.metrics["f1"]),
                "intervals": dict.fromkeys(names, plain.intervals["f1"]),
                "declared": [Metric(name) for name in names],
                "notes": ["trained without the perceptual term"] if method.startswith("pdr") else [],
            }
            records.append(plain.model_copy(update=wide))
    return records


def printed(records: list[Record], width: int) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(to_rich(build(records)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("synthetic", [False, True])
def test_nothing_is_cut_at_usual_widths(width: int, synthetic: bool) -> None:
    text = printed(grid(synthetic=synthetic), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    for line in METHODS:
        assert any(shown.startswith(line) for shown in text.splitlines()), f"{line} is folded or missing"
    assert "0.390" in text
    assert text.count("bbt[synthetic]") == int(synthetic)


def test_a_narrow_terminal_gets_two_lines_per_row_and_a_wide_one_gets_one() -> None:
    narrow, wide = printed(grid(), 80).splitlines(), printed(grid(), 160).splitlines()
    (row,) = [i for i, line in enumerate(narrow[:20]) if line.startswith("pdr¹")]
    assert ".32–.34" in narrow[row + 1]
    assert "-0.245" in narrow[row + 1]
    (line,) = [line for line in wide[:20] if line.startswith("pdr¹")]
    assert "0.330" in line
    assert "0.32–0.34" in line
    assert "0.575" in line
    assert "-0.245" in line


def test_the_best_is_bold_and_brackets_are_not_markup() -> None:
    console = Console(width=160, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(to_rich(build(grid(synthetic=True))))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "\x1b[1m0.510\x1b[0m" in text
    assert "\x1b[1m0.300" not in text
    assert "[synthetic]" in text


def test_a_long_name_folds_and_costs_no_number() -> None:
    name = "timm:vit_small_patch14_reg4_dinov2.lvd142m"
    text = printed([*grid(), *(record(name, task) for task in ("bbt", "buffy"))], 80)
    assert "…" not in text
    assert "0.500" in text


def test_metrics_that_do_not_fit_side_by_side_stand_below_each_other() -> None:
    names = [f"accuracy_{count}_{mode}" for count in (100, 500, 1000) for mode in ("finetuned", "frozen")]
    values = {"metrics": dict.fromkeys(names, 0.8125), "intervals": {}}
    records = [record(method, "celeba_linear", **values) for method in ("supervised_resnet18", "pdr", "vqvae")]
    for width in (80, 120, 300):
        text = printed(records, width)
        assert "…" not in text
        assert max(map(len, text.splitlines())) <= width
        headers = [line.split() for line in text.splitlines() if line.startswith("method")]
        assert [name for header in headers for name in header if name in names] == names, "in order, each once"
        assert len(headers) == {80: 4, 120: 2, 300: 1}[width]
        shown = [line for line in text.splitlines() if line.startswith("supervised_resnet18")]
        assert len(shown) == len(headers)
        assert " ".join(shown).count("0.812") == 6


def test_markdown_is_one_table_per_task_with_its_notes() -> None:
    records = [*grid()[:-8], record("ris", status="failed", error="a | b")]
    text = to_markdown(build(records))
    assert text.startswith(
        "profile mini, protocol default, seed 0\n\n### bbt\n\n| method | accuracy | 95 % | paper | diff |"
    )
    assert "| **0.510** |" in text
    assert "| *for reference* |" in text
    assert "2. trained without the perceptual term" in text
    assert "1. failed: a \\| b\n" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_csv_is_tidy_and_complete() -> None:
    records = [*grid(), record("ris", status="failed", error="no weights")]
    rows = list(csv.DictReader(io.StringIO(to_csv(build(records)))))
    assert len(rows) == 2 * (len(METHODS) + 1) * 4
    assert len({(row["task"], row["method"], row["metric"]) for row in rows}) == len(rows)
    (row,) = [r for r in rows if (r["task"], r["method"], r["metric"]) == ("bbt", "pdr", "accuracy")]
    assert float(row["value"]) == pytest.approx(0.33)
    assert float(row["difference"]) == pytest.approx(0.33 - 0.5754)
    assert (row["over"], row["seeds"], row["synthetic"], row["status"]) == ("tracks", "1", "false", "ok")
    assert (row["unit"], row["better"]) == ("", "higher")
    failed = [r for r in rows if (r["task"], r["method"]) == ("bbt", "ris")]
    assert {r["status"] for r in failed} == {"failed"}
    assert {r["value"] + r["difference"] for r in failed} == {""}


def test_csv_gives_no_difference_for_synthetic_data() -> None:
    rows = list(csv.DictReader(io.StringIO(to_csv(build(grid(synthetic=True))))))
    assert {row["difference"] for row in rows} == {""}
    assert any(row["published"] for row in rows)
    assert {row["synthetic"] for row in rows} == {"true"}


DEGREES = [
    Metric("light_deg", title="light |a| <b>", unit="degrees", higher_is_better=False, high=180.0),
    Metric("share", higher_is_better=None),
]


def test_headers_are_the_declared_ones_with_their_units() -> None:
    records = [record("pdr", "own", metrics={"light_deg": 12.5, "share": 0.5}, intervals={}, declared=DEGREES)]
    assert "light |a| <b> [degrees]" in printed(records, 120), "brackets are no markup"
    assert r"| method | light \|a\| \<b\> [degrees] | share |" in to_markdown(build(records))
    rows = list(csv.DictReader(io.StringIO(to_csv(build(records)))))
    shown = [(row["metric"], row["unit"], row["better"]) for row in rows if row["method"] == "pdr"]
    assert shown == [("light_deg", "degrees", "lower"), ("share", "", "")]
    page = to_html(build(records), "own")
    assert "light |a| &lt;b&gt; [degrees]</th>" in page
    assert r"light \textbar{}a\textbar{} \textless{}b\textgreater{} [degrees]" in to_latex(build(records), "own")
