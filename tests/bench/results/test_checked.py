"""What a check came to, in every format: the verdict first, gains told from losses, what is new no difference."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from record_factory import START, record

from bench.commands.regression import CODES, check_command
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.checked import FORMATS, Checked, to_github, to_json, to_junit, to_text
from bench.results.regression import Finding, Suite, calibrated, findings
from datasets.errors import BenchError
from tasks.results import Metric

DECLARED = [Metric("accuracy"), Metric("error", higher_is_better=False), Metric("count", higher_is_better=None)]
LOSS = Finding("regression", "pdr/bbt", "accuracy 0.5000 -> 0.2000; 100 % else", "accuracy", 0.5, 0.2)
GAIN = Finding("gain", "vqvae/bbt", "accuracy 0.5000 -> 0.9000", "accuracy", 0.5, 0.9)
CRASH = Finding("crash", "pdr/buffy", "failed: <broken> & gone")
NEW = Finding("new", "mine/bbt", "not in the reference: calibrate again to compare it")
CELLS = ("pdr/bbt", "vqvae/bbt", "pdr/buffy")


def checked(*found: Finding, **changes: object) -> Checked:
    return Checked("smoke.json", START, CELLS, 12, tuple(found), **changes)


def made(values: dict[str, float], seed: int = 0, method: str = "pdr") -> Record:
    return record(method, seed=seed, metrics=values, declared=DECLARED, intervals={})


@pytest.mark.parametrize(
    ("metric", "moved", "kind"),
    [
        ("accuracy", 0.9, "gain"),
        ("accuracy", 0.1, "regression"),
        ("error", 0.9, "regression"),
        ("error", 0.1, "gain"),
        ("count", 0.9, "change"),
        ("count", 0.1, "change"),
    ],
)
def test_gains_are_told_from_losses_by_the_metrics_direction(
    metric: str, moved: float, kind: str, tmp_path: Path
) -> None:
    store, names = Store(tmp_path / "store"), [one.name for one in DECLARED]
    runs = [[made(dict.fromkeys(names, 0.5 + shift), seed)] for seed, shift in enumerate((0, 0.001, -0.001))]
    reference = calibrated(Suite(), runs, runs[0], store, START)
    [found] = findings(reference, [made({**dict.fromkeys(names, 0.5), metric: moved})], store)
    assert (found.kind, found.metric, found.before, found.after) == (kind, metric, 0.5, moved)


def test_what_the_reference_lacks_is_new_and_no_difference(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    runs = [[made({"accuracy": 0.5}, seed)] for seed in range(2)]
    reference = calibrated(Suite(), runs, runs[0], store, START)
    more = [made({"accuracy": 0.5, "error": 0.1}), made({"accuracy": 0.5}, method="mine")]
    found = findings(reference, more, store)
    assert [(one.kind, one.cell, one.metric) for one in found] == [
        ("new", "pdr/bbt", "error"),
        ("new", "mine/bbt", None),
    ]
    assert checked(*found).outcome == "same"
    gone = findings(reference, [], store)
    assert [(one.kind, one.text) for one in gone] == [("regression", "the cell is gone")]


@pytest.mark.parametrize(
    ("one", "outcome", "code", "first"),
    [
        (checked(), "same", 0, "same: 3 cells, 12 metrics compared with smoke.json of 2026-01-02"),
        (checked(moved=2), "same", 0, "no more than by chance, but 2 moved"),
        (checked(NEW), "same", 0, "1 new"),
        (checked(GAIN, LOSS, NEW, moved=2), "differs", 1, "1 regression, 1 gain, 1 new"),
        (checked(GAIN), "differs", 1, "1 gain"),
        (checked(LOSS, CRASH), "crashed", 4, "1 crash, 1 regression"),
        (checked(reasons=("torch 1, the reference was measured with 2",)), "void", 3, "void: the comparison"),
    ],
)
def test_the_verdict_is_the_first_thing_said(one: Checked, outcome: str, code: int, first: str) -> None:
    assert (one.outcome, CODES[one.outcome]) == (outcome, code)
    assert first in to_text(one).splitlines()[0]
    assert first in to_github(one).splitlines()[0]
    assert next(iter(json.loads(to_json(one)).items())) == ("outcome", outcome)
    suite = ET.fromstring(to_junit(one))[0]
    assert first in suite.attrib["name"]


def test_the_worst_stands_first() -> None:
    lines = to_text(checked(NEW, GAIN, LOSS, CRASH)).splitlines()[1:]
    assert [line.partition(":")[0] for line in lines] == ["crash", "regression", "gain", "new"]
    assert lines[1] == "regression: pdr/bbt: accuracy 0.5000 -> 0.2000; 100 % else"


def test_json_has_the_numbers() -> None:
    read = json.loads(to_json(checked(GAIN, LOSS)))
    assert [(one["kind"], one["before"], one["after"]) for one in read["findings"]] == [
        ("regression", 0.5, 0.2),
        ("gain", 0.5, 0.9),
    ]
    assert (read["cells"], read["metrics"]) == (3, 12)


def test_junit_has_a_case_per_cell() -> None:
    suite = ET.fromstring(to_junit(checked(GAIN, LOSS, CRASH, NEW)))[0]
    assert {name: suite.attrib[name] for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "2",
        "errors": "1",
        "skipped": "0",
    }
    told = {
        f"{case.attrib['classname']}/{case.attrib['name']}": [(p.tag, p.get("type")) for p in case] for case in suite
    }
    assert told == {
        "pdr/bbt": [("failure", "regression")],
        "vqvae/bbt": [("failure", "gain")],
        "pdr/buffy": [("error", "crash")],
        "mine/bbt": [("system-out", None)],
    }
    both = ET.fromstring(to_junit(checked(LOSS, Finding("gain", "pdr/bbt", "nmi ± 1"))))
    [failure] = both.iter("failure")
    assert failure.attrib == {"type": "regression", "message": f"regression: {LOSS.text}; gain: nmi ± 1"}
    assert to_junit(checked(Finding("gain", "pdr/bbt", "nmi ± 1"))).isascii()
    void = ET.fromstring(to_junit(checked(reasons=("another torch",))))[0]
    assert void.attrib["skipped"] == "3"
    hostile = Finding("crash", "a\x00/b", "\x1b[31m\ufffe <&>")
    assert ET.fromstring(to_junit(checked(hostile))) is not None


def test_github_gets_annotations_of_one_line_each() -> None:
    lines = to_github(checked(LOSS, GAIN, NEW, Finding("crash", "a,b:c", "two\nlines"))).splitlines()
    assert lines[0].startswith("::error title=bench check::crashed: ")
    assert lines[1].startswith("::error title=crash%3A a%2Cb%3Ac::two")
    assert lines[2] == "::error title=regression%3A pdr/bbt::accuracy 0.5000 -> 0.2000; 100 %25 else"
    assert [line.split()[0] for line in lines[3:]] == ["::warning", "::notice"]


def test_an_unknown_format_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="unknown format 'xml': expected one of text, json, junit, github"):
        check_command(tmp_path / "absent.json", tmp_path, "xml")
    assert list(FORMATS) == ["text", "json", "junit", "github"]
