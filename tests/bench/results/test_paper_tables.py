"""The paper's tables from records: rows, refusals, missing cells, ties, verdicts, and every format."""

import csv
import re
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from record_factory import START, record

from bench import escaping
from bench.commands.compare import compare_command
from bench.commands.table import Choice, cite_command, names, table_command
from bench.grid.catalogue import METHODS, TASKS
from bench.pipeline.records import Interval, Record
from bench.pipeline.store import Store
from bench.results.table import build, to_markdown
from bench.results.table.documents import to_html, to_latex
from bench.results.table.paper import TABLES, fill
from datasets.errors import BenchError
from tasks.groups.correlation import Correlation
from tasks.results import Metric, reduced

CODE = {"encode": {"method": {"source": "m1"}}, "evaluate": {"task": {"source": "t1"}}}


def made(method: str = "pdr", task: str = "bbt", seed: int = 0, **changes: object) -> Record:
    return record(method, task, seed, **{"ingredients": CODE, **changes})


def stored(tmp_path: Path, *records: Record) -> Path:
    store = Store(tmp_path / "store")
    for one in records:
        one.write(store.record_path(one.key))
    return store.root


@pytest.mark.parametrize("name", TABLES)
def test_definitions_name_what_is_registered(name: str) -> None:
    definition = TABLES[name]
    assert [TASKS.get(task).name for task in definition.tasks] == list(definition.tasks)
    assert set(definition.methods) <= set(METHODS.entries())


def test_rows_columns_and_the_commands_for_what_is_missing() -> None:
    filled = fill("1", [made("pdr"), made("vqvae"), made("pdr", "yaleb")])
    assert [section.task for section in filled.table.sections] == ["bbt"]
    section = filled.table.sections[0]
    assert section.names == ("accuracy", "f1")
    assert [row.method for row in section.rows][:2] == ["vqvae", "pdr"]
    assert filled.commands[0] == (
        "python -m bench run --methods stylegan2_e4e,ris,pdr_loocc_l,pdr_loocc_lv --tasks bbt --profile mini"
    )
    assert "--tasks buffy" in filled.commands[1]


def test_the_newest_record_of_a_cell_counts() -> None:
    old = made(value=0.2)
    new = made(value=0.6, key="n" * 32, ended=START + timedelta(days=1))
    assert fill("1", [new, old]).table.sections[0].rows[0].scores[0].value == 0.6


def test_profiles_are_apart() -> None:
    records = [made(), made("vqvae", profile="paper", ended=START + timedelta(days=1))]
    assert fill("1", records).table.profile == "paper", "the newest's"
    assert fill("1", records, "mini").table.profile == "mini"
    with pytest.raises(BenchError, match=r"table 1: no records of profile smoke; make them with python -m bench run"):
        fill("1", records, "smoke")


def test_other_code_and_other_data_are_refused_by_name() -> None:
    other = {**CODE, "evaluate": {"task": {"source": "t2"}}}
    with pytest.raises(BenchError, match=r"code of task bbt .*t1 \(pdr/bbt/0\); t2 \(vqvae/bbt/0\)"):
        fill("1", [made(), made("vqvae", ingredients=other)])
    with pytest.raises(BenchError, match=r"different kinds of data: .*synthetic \(vqvae/buffy/0\)"):
        fill("1", [made(), made("vqvae", "buffy", synthetic=True)])


def test_a_table_of_its_own_shows_secondary_metrics() -> None:
    section = fill("finch", [made(secondary={"finch_purity": 0.5, "finch_nmi": 0.25})]).table.sections[0]
    assert section.names == ("finch_nmi", "finch_purity")
    assert [score.value for score in section.rows[0].scores] == [0.25, 0.5]


def verdict(value: float, **changes: object) -> str:
    """Of three trainings of PDR on real BBT in the paper's size, published as 0.5754, whose interval is 0.03 wide."""
    own = [
        made(seed=seed, **{"value": value + shift, "half": 0.005, "profile": "paper", "method_config": {}, **changes})
        for seed, shift in enumerate((-0.005, 0, 0.005))
    ]
    return build(own).sections[0].rows[0].scores[0].verdict


def test_verdicts() -> None:
    assert verdict(0.58) == "within noise"
    assert verdict(0.62) == "above"
    assert verdict(0.53) == "below"
    assert verdict(0.53, method_config={"nf": 64, "vgg16": "some.pth", "renderer": "torch"}) == "below"
    assert build([made("vqvae", "yaleb", profile="paper")]).sections[0].rows[0].scores[0].verdict == ""


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"profile": "mini"}, "not the paper's size: not comparable"),
        (
            {"captions": reduced(["64 test images in place of the paper's 6,000"])},
            "not the paper's size: not comparable",
        ),
        ({"details": {"reduced": ["2 epochs"]}}, "not the paper's size: not comparable"),
        ({"method_config": {"nf": 16}}, "not the paper's size: not comparable"),
        ({"synthetic": True}, "synthetic: not comparable"),
        ({"weights_sha256": "w" * 64}, "too few trainings"),
    ],
)
def test_no_verdict_unless_of_the_papers_size_on_real_data_and_of_three_trainings(
    changes: dict[str, object], words: str
) -> None:
    assert verdict(0.62, **changes) == words


AS_IN_THE_PAPER = {"profile": "paper", "method_config": {}, "task_config": {}}


def latex() -> str:
    three = [made("pdr_loocc_l", seed=seed, value=0.65 + 0.001 * seed, **AS_IN_THE_PAPER) for seed in (-1, 0, 1)]
    others = [made("random_init", seed=seed, value=0.4 + 0.001 * seed, **AS_IN_THE_PAPER) for seed in (-1, 0, 1)]
    filled = fill("1", [*three, *others, made("vqvae", **AS_IN_THE_PAPER)])
    return to_latex(filled.table, filled.definition.title)


def test_latex_has_a_row_of_the_right_width_for_every_method() -> None:
    text = latex()
    columns = re.search(r"\\begin\{tabular\}\{(llr+)\}", text)
    assert columns is not None
    rows = [line for line in text.splitlines() if line.endswith(r" \\") and not line.lstrip().startswith("&")]
    assert len(rows) == 1 + 5, "the header, two methods and three references"
    assert all(line.replace(r"\&", "").count("&") == len(columns[1]) - 1 for line in rows)
    assert r"pdr\_loocc\_l & 3 trainings & \textbf{0.650}" in text
    assert r"vqvae & 1 training & 0.500" in text
    assert text.count(r"\toprule") == text.count(r"\bottomrule") == 1
    assert text.count("{") == text.count("}")
    assert escaping.latex("50 % of a_b & c") == r"50 \% of a\_b \& c"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX is installed")
def test_latex_compiles(tmp_path: Path) -> None:
    source = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + latex() + "\\end{document}\n"
    (tmp_path / "table.tex").write_text(source)
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "table.tex"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:]


def test_html_is_one_page_with_a_table_per_task() -> None:
    filled = fill("1", [made(), made(task="buffy")])
    page = to_html(filled.table, filled.definition.title)
    assert re.findall(r'data-task="(\w+)"', page) == ["bbt", "buffy"]
    assert "http" not in page


@pytest.mark.parametrize("form", ["md", "csv", "latex", "html"])
def test_the_command_writes_every_format(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = stored(tmp_path, made(), made("vqvae"))
    table_command("1", Choice(), form, None, tmp_path / "out", store)
    assert "0.5" in (tmp_path / "out").read_text()
    assert "missing in table 1: python -m bench run" in capsys.readouterr().err


def test_all_tables_that_can_be_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table_command("all", Choice(), "md", None, None, stored(tmp_path, made()))
    out, err = capsys.readouterr()
    assert "## Clustering of people" in out
    assert "missing: table 2: no records" in err


def test_any_rows_and_columns_make_a_table_of_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = ("pdr", "own.py:Mine", "pdr_loocc_l[features=light]")
    store = stored(tmp_path, *(made(name, task) for name in names for task in ("bbt", "buffy")))

    def rows(**chosen: str) -> list[tuple[str, str]]:
        table_command(None, Choice(**chosen), "csv", None, None, store)
        read = csv.DictReader(capsys.readouterr().out.splitlines())
        return list(dict.fromkeys((line["task"], line["method"]) for line in read))

    assert rows(methods="own.py:Mine,pdr", tasks="buffy") == [("buffy", "pdr"), ("buffy", "own.py:Mine")]
    assert rows(methods="pdr_loocc_l[features=light]") == [("bbt", names[2]), ("buffy", names[2])]
    assert rows(methods="pdr_loocc_l[*", tasks="bbt") == [("bbt", names[2])]
    assert rows(methods="pdr*", tasks="b*t") == [("bbt", "pdr"), ("bbt", names[2])]
    table_command(None, Choice(metrics="nmi,accuracy", tasks="bbt"), "latex", None, None, store)
    text = capsys.readouterr().out
    assert text.index("{nmi}") < text.index("{accuracy}")
    assert "{f1}" not in text
    assert "chance" not in text, "only what was asked for"
    for choice, message in [
        (Choice(methods="vqvae"), "no records of method 'vqvae'; there are own.py:Mine, pdr"),
        (Choice(metrics="acc"), "no records of metric 'acc'"),
        (Choice(), "expected either a table's name"),
        (Choice(run="x"), "no such invocation"),
    ]:
        with pytest.raises(BenchError, match=message):
            table_command(None, choice, "md", None, None, store)
    with pytest.raises(BenchError, match="expected either a table's name"):
        table_command("1", Choice(tasks="bbt"), "md", None, None, store)


def test_notes_stand_under_every_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = stored(tmp_path, made(notes=["trained on 5 % of it"], **AS_IN_THE_PAPER))
    for form, mark, note in [
        ("latex", r"pdr\textsuperscript{1} &", r"\textsuperscript{1}~trained on 5 \% of it"),
        ("html", "pdr<sup>1</sup>", "<li>trained on 5 % of it</li>"),
        ("md", "pdr<sup>1</sup>", "1. trained on 5 % of it"),
    ]:
        table_command(None, Choice(tasks="bbt"), form, None, None, store)
        text = capsys.readouterr().out
        assert mark in text, text
        assert note in text, text


def test_citations_of_exactly_one_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cite_command("4", tmp_path)
    out = capsys.readouterr().out
    assert "chang2015shapenet" in out
    assert "liu2015celeba" not in out
    assert out.count("@") == len(set(re.findall(r"@\w+\{([^,]+)", out)))


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="did you mean nmi"):
        names("nmo")
    with pytest.raises(BenchError, match="expected one of md, csv, latex, html"):
        table_command("1", Choice(), "pdf", None, None, tmp_path)
    with pytest.raises(BenchError, match="no such invocation"):
        compare_command("absent", "absent", "md", tmp_path)
    with pytest.raises(BenchError, match="expected md or csv"):
        compare_command("a", "b", "html", tmp_path)


def test_correlation_has_its_published_figure_and_is_not_ranked() -> None:
    declared = list(Correlation.metrics)
    records = [
        made(method, "pcc:bbt", seed, metrics={"mean_pcc": value + 0.001 * seed}, intervals={}, declared=declared)
        for method, value in (("pdr", 0.3), ("pdr_loocc_l", 0.2))
        for seed in range(3)
    ]
    table = fill("pcc", records).table
    section = table.sections[0]
    assert not any(row.scores[0].best for row in section.rows)
    assert "Not ranked: mean_pcc, which means other things of other architectures." in table.captions
    assert section.rows[0].scores[0].published == 0.26
    assert any("mean_pcc 0.18" in caption for caption in table.captions), "of a variant that is not named"


def test_subsets_of_the_features_by_angle() -> None:
    def swept(method: str, near: float, far: float, seed: int) -> Record:
        points = {"accuracy@0-12": near, "accuracy@77-180": far}
        declared = [Metric(name) for name in ("accuracy", *points)]
        return made(
            method,
            "yaleb",
            seed,
            secondary={**points, "lost": near - far},
            intervals={name: Interval(value - 0.1, value + 0.1, "items") for name, value in points.items()},
            declared=[*declared, Metric("lost", higher_is_better=False, low=None)],
        )

    methods = ("pdr[features=light,view]", "pdr[features=view]", "pdr[features=albedo]", "pdr")
    filled = fill(
        "subsets",
        [swept(name, 0.9, 0.9 - place / 10, seed) for place, name in enumerate(methods) for seed in range(3)],
    )
    (section,) = filled.table.sections
    assert section.names == ("accuracy", "accuracy@0-12", "accuracy@77-180", "lost")
    assert [row.method for row in section.rows] == [methods[place] for place in (2, 1, 0)], "small sets first"
    last = section.rows[-1].scores
    assert [score.value for score in last[1:]] == [0.9, 0.9, 0.0]
    assert (last[1].low, last[1].high) == (pytest.approx(0.8), pytest.approx(1.0))
    assert last[3].best, "nothing lost is best"
    assert filled.table.captions[:2] == (
        "lost: AMI at the smallest angles less that at the largest.",
        "Less is better: lost.",
    )
    assert "--methods 'pdr_loocc_l[features=*],pdr_loocc_lv[features=*]' --tasks yaleb" in filled.commands[0]
    with pytest.raises(BenchError, match=re.escape("--methods 'pdr[features=*],")):
        fill("subsets", [])


def test_footnotes_stand_under_the_figures_that_they_are_of() -> None:
    emotions = fill("1", [made("ris", "rafdb")]).table
    assert sum("majority class" in text for text in emotions.captions) == 1
    assert "majority class" not in " ".join(fill("1", [made("pdr", "rafdb")]).table.captions), "PDR's figure is another"
    assert "majority class" not in " ".join(fill("nmi", [made("ris", "rafdb")]).table.captions), "no figure of NMI"
    name = "accuracy_500_finetuned"
    few = fill("2", [made("pdr_loocc_lv", "celeba_linear", metrics={name: 0.8}, intervals={})]).table
    assert "the same 0.8556 at 100, 500 and 1,000 labels" in " ".join(few.captions)
    assert "0.8556 at 100, 500" in to_latex(few, "two")
    assert "0.8556 at 100, 500" in to_html(few, "two")
    assert "0.8556 at 100, 500" in to_markdown(few)
