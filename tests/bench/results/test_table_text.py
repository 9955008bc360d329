"""The table as a person or a program reads it."""

import csv
import io
import re
from itertools import product

import pytest
from record_factory import record
from rich.console import Console

from bench.pipeline.records import Record
from bench.results.spread import Spread, Spreads
from bench.results.table import Table, build, to_csv, to_markdown, to_rich
from bench.results.table.documents import to_html, to_latex
from tasks.results import Interval, Metric

METHODS = ("vqvae", "pdr", "pdr_loocc_l", "pdr_loocc_lv", "timm:resnet18", "chance", "raw_pixels", "random_init")


def grid(*, synthetic: bool = False, seeds: int = 1) -> list[Record]:
    """Drawn data in the profile mini, or real data as in the paper."""
    size = {} if synthetic else {"profile": "paper", "method_config": {}, "task_config": {}}
    names = ("accuracy", "hungarian", "f1", "nmi")
    records = []
    for task, (number, method), seed in product(("bbt", "buffy"), enumerate(METHODS), range(seeds)):
        value = 0.3 + 0.03 * number + (seed - (seeds - 1) / 2) * 0.001
        plain = record(method, task, seed, synthetic=synthetic, value=value, half=0.01, **size)
        wide = {
            "metrics": dict.fromkeys(names, plain.metrics["f1"]),
            "intervals": dict.fromkeys(names, plain.intervals["f1"]),
            "declared": [Metric(name) for name in names],
            "notes": ["trained without the perceptual term"] if method.startswith("pdr") else [],
        }
        records.append(plain.model_copy(update=wide))
    return records


def printed(records: list[Record], width: int) -> str:
    return shown(build(records), width)


def shown(table: Table, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), force_terminal=False)
    console.print(to_rich(table))
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
    assert narrow[row + 1].startswith("1 training")
    assert ".32–.34" in narrow[row + 1]
    assert "-0.245" in narrow[row + 1]
    (line,) = [line for line in wide[:20] if line.startswith("pdr¹")]
    assert "0.330" in line
    assert "0.32–0.34" in line
    assert "0.575" in line
    assert "-0.245" in line
    assert "1 training " in line


SPREADS = Spreads(profile="mini", methods={"pdr": {"bbt": Spread(trainings=5, sd={"accuracy": 0.0213})}})


def test_what_is_known_of_trainings_stands_beside_a_row_of_one_in_every_form() -> None:
    table = build([*grid(synthetic=True)], spreads=SPREADS)
    forms = {
        "wide": shown(table, 200),
        "Markdown": to_markdown(table),
        "HTML": to_html(table, "mine"),
        "LaTeX": to_latex(table, "mine"),
    }
    for form, text in forms.items():
        assert "1 training" in text, form
        assert "0.021 (5)" in text, form
        assert "of fewer than three, that of as many earlier ones as stand in brackets" in " ".join(text.split()), form
    assert "sd .021 (5)" in shown(table, 80)
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    known = [(row["known_sd"], row["known_trainings"], row["trainings"]) for row in rows if row["known_sd"]]
    assert known == [("0.0213", "5", "1")]


def test_every_form_makes_the_same_values_bold() -> None:
    table = build(grid(synthetic=True, seeds=3))
    best = {
        f"{score.value:.3f}" for section in table.sections for row in section.rows for score in row.scores if score.best
    }
    assert best == {"0.510"}
    rows = list(csv.DictReader(io.StringIO(to_csv(table))))
    forms = {
        "CSV": {f"{float(row['value']):.3f}" for row in rows if row["best"] == "true"},
        "Markdown": set(re.findall(r"\*\*(0\.\d+)\*\*", to_markdown(table))),
        "HTML": set(re.findall(r'class="best">(0\.\d+)<', to_html(table, "mine"))),
        "LaTeX": set(re.findall(r"\\textbf\{(0\.\d+)\}", to_latex(table, "mine"))),
    }
    assert all(found == best for found in forms.values()), forms
    assert not any("**" in to_markdown(build(grid(seeds=seeds))) for seeds in (1, 2)), "of fewer trainings nothing is"


def test_the_best_is_bold_and_brackets_are_not_markup() -> None:
    console = Console(width=160, file=io.StringIO(), force_terminal=True, color_system="standard")
    console.print(to_rich(build(grid(synthetic=True, seeds=3))))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "\x1b[1m0.510\x1b[0m" in text
    assert "\x1b[1m0.300" not in text
    assert "[synthetic]" in text


def test_a_long_name_folds_and_costs_no_number() -> None:
    name = "timm:vit_small_patch14_reg4_dinov2.lvd142m"
    text = printed([*grid(synthetic=True), *(record(name, task, synthetic=True) for task in ("bbt", "buffy"))], 80)
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
        rows = text[: text.index("Of fewer than 3 trainings")].splitlines()
        shown = [line for line in rows if line.startswith("supervised_resnet18")]
        assert len(shown) == len(headers)
        assert " ".join(shown).count("0.812") == 6


def test_markdown_is_one_table_per_task_with_its_notes() -> None:
    records = [
        *(one for one in grid(seeds=3) if one.task == "bbt"),
        record("ris", status="failed", error="a | b", profile="paper"),
    ]
    text = to_markdown(build(records))
    assert text.startswith(
        "profile paper, protocol default, seeds 0, 1, 2\n\n### bbt\n\n"
        "| method | trainings | accuracy | 95 % | sd | paper | diff |"
    )
    assert "| **0.510** |" in text
    assert "| *for reference* |" in text
    assert "2. trained without the perceptual term" in text
    assert "1. failed: a \\| b\n" in text
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1


def test_csv_is_tidy_and_complete() -> None:
    records = [*grid(), record("ris", status="failed", error="no weights", profile="paper")]
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


def test_bounds_below_zero_are_not_taken_for_dashes() -> None:
    declared = [Metric("gain", low=-1.0)]
    bounds = {"gain": Interval(low=-0.2, high=-0.1, over="items")}
    one = record("pdr", "own", metrics={"gain": -0.15}, intervals=bounds, declared=declared)
    assert "| -0.150 | -0.20 to -0.10 |" in to_markdown(build([one]))


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
    assert r"| method | trainings | light \|a\| \<b\> [degrees] | share |" in to_markdown(build(records))
    rows = list(csv.DictReader(io.StringIO(to_csv(build(records)))))
    shown = [(row["metric"], row["unit"], row["better"]) for row in rows if row["method"] == "pdr"]
    assert shown == [("light_deg", "degrees", "lower"), ("share", "", "")]
    page = to_html(build(records), "own")
    assert "light |a| &lt;b&gt; [degrees]</th>" in page
    assert r"light \textbar{}a\textbar{} \textless{}b\textgreater{} [degrees]" in to_latex(build(records), "own")
