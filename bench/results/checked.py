"""What a check against a reference came to, the verdict first: as text, JSON, JUnit's XML, or GitHub's annotations."""

import json
import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Literal

from bench.results.regression import Finding, Kind
from datasets.names import printable

Outcome = Literal["same", "differs", "void", "crashed"]

# In the order in which findings are told, each with what GitHub makes of it.
LEVELS: dict[Kind, str] = {
    "crash": "error",
    "regression": "error",
    "change": "warning",
    "gain": "warning",
    "new": "notice",
}
OUTCOMES: dict[Outcome, str] = {"same": "notice", "differs": "error", "void": "warning", "crashed": "error"}


@dataclass(frozen=True)
class Checked:
    """A check's end.

    Attributes
    ----------
    reference, calibrated: the reference's file name, and when it was made.
    cells, metrics: how many of each it has: `method/task`, and numbers in all.
    findings: what differs by more than its limit, or is new.
    moved: how many numbers are not what they were, within their limits or beyond.
    reasons: why the comparison would mean nothing, so that nothing was run; none where it was made.
    """

    reference: str
    calibrated: datetime
    cells: tuple[str, ...]
    metrics: int
    findings: tuple[Finding, ...] = ()
    moved: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The verdict in a word; what is new is no difference."""
        kinds = {finding.kind for finding in self.findings}
        if self.reasons:
            return "void"
        if "crash" in kinds:
            return "crashed"
        return "differs" if kinds - {"new"} else "same"

    @property
    def ordered(self) -> list[Finding]:
        """The worst first."""
        order = list(LEVELS)
        return sorted(self.findings, key=lambda finding: order.index(finding.kind))

    @property
    def sentence(self) -> str:
        """The verdict in a line."""
        if self.reasons:
            return "void: the comparison would mean nothing here: make a reference with `bench calibrate`"
        counts = Counter(finding.kind for finding in self.findings)
        told = [f"{counts[kind]} {kind if counts[kind] == 1 else _plural(kind)}" for kind in LEVELS if counts[kind]]
        if self.outcome == "same" and self.moved:
            told.insert(0, f"no more than by chance, but {self.moved} moved")
        what = f"{len(self.cells)} cells, {self.metrics} metrics compared with {self.reference}"
        return f"{self.outcome}: {what} of {self.calibrated:%Y-%m-%d}" + (f": {', '.join(told)}" if told else "")


def _plural(kind: Kind) -> str:
    return {"crash": "crashes", "new": "new"}.get(kind, f"{kind}s")


def to_text(checked: Checked) -> str:
    """A line each."""
    found = [f"{finding.kind}: {finding.cell}: {finding.text}" for finding in checked.ordered]
    return "\n".join([checked.sentence, *(f"void: {reason}" for reason in checked.reasons), *found])


def to_json(checked: Checked) -> str:
    """One object; `findings` have what a number was and is, null where there is none."""
    fields = {
        "outcome": checked.outcome,
        "verdict": checked.sentence,
        "reference": checked.reference,
        "calibrated": checked.calibrated.isoformat(),
        "cells": len(checked.cells),
        "metrics": checked.metrics,
        "moved": checked.moved,
        "reasons": checked.reasons,
        "findings": [asdict(finding) for finding in checked.ordered],
    }
    return json.dumps(fields, indent=2, allow_nan=False)


def to_junit(checked: Checked) -> str:
    """One suite with a test case per cell, whose failure has the worst finding's kind for its type: a gain is one too,
    of its own type. A void check is skipped. In ASCII, whatever the encoding of standard output."""
    by_cell: dict[str, list[Finding]] = {cell: [] for cell in checked.cells}
    for finding in checked.ordered:
        by_cell.setdefault(finding.cell, []).append(finding)
    cases = [_case(cell, own, checked.reasons) for cell, own in by_cell.items()]
    counts = {name: sum(case.find(tag) is not None for case in cases) for name, tag in _TAGS.items()}
    attributes = {name: str(count) for name, count in {"tests": len(cases), **counts}.items()}
    suite = ET.Element("testsuite", {"name": f"bench check: {printable(checked.sentence)}", **attributes})
    suite.extend(cases)
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return str(ET.tostring(root, encoding="us-ascii", xml_declaration=True), "ascii")


_TAGS = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _case(cell: str, findings: Sequence[Finding], reasons: Sequence[str]) -> ET.Element:
    method, _, task = printable(cell).partition("/")
    case = ET.Element("testcase", {"classname": method, "name": task})
    if differing := [finding for finding in findings if finding.kind != "new"]:
        tag, worst = "error" if differing[0].kind == "crash" else "failure", differing[0].kind
        ET.SubElement(case, tag, {"type": worst, "message": _joined(differing)})
    if new := [finding for finding in findings if finding.kind == "new"]:
        ET.SubElement(case, "system-out").text = _joined(new)
    if reasons:
        ET.SubElement(case, "skipped", {"message": printable("; ".join(reasons))})
    return case


def _joined(findings: Sequence[Finding]) -> str:
    return printable("; ".join(f"{finding.kind}: {finding.text}" for finding in findings))


def to_github(checked: Checked) -> str:
    """Workflow commands, which GitHub shows as annotations of the run."""
    lines = [_annotation(OUTCOMES[checked.outcome], "bench check", checked.sentence)]
    lines += [_annotation("warning", "void", reason) for reason in checked.reasons]
    lines += [
        _annotation(LEVELS[finding.kind], f"{finding.kind}: {finding.cell}", finding.text)
        for finding in checked.ordered
    ]
    return "\n".join(lines)


def _annotation(level: str, title: str, text: str) -> str:
    name = printable(title).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return f"::{level} title={name}::{printable(text).replace('%', '%25')}"


FORMATS: dict[str, Callable[[Checked], str]] = {
    "text": to_text,
    "json": to_json,
    "junit": to_junit,
    "github": to_github,
}
