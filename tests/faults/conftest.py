"""After the long campaigns (`FAULTS=long`, by `tox -e faults`): their figures, in results/faults.md."""

import os
import platform
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest

from datasets.files import write_text
from tests.faults.campaign import LONG, TRIED

TARGET = Path(__file__).parents[2] / "results" / "faults.md"
HEAD = """# Faults

Written by `tox -e faults`: inputs, stores, settings and moments are drawn anew each time. A case is right where the
command ends with the right numbers, or with one line that says what is wrong; a wrong number, a lost record, a process
that stays, a traceback or no end is a failure. {date}, {processors} processors, {minutes:.0f} minutes.

| campaign | cases | failed tests |
|---|---|---|
"""
STARTED = time.monotonic()
FAILED: Counter[str] = Counter()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count failed tests by their campaign's folder."""
    if report.failed and "tests/faults/" in report.nodeid:
        FAILED[Path(report.nodeid.partition("::")[0]).parent.name] += 1


def pytest_sessionfinish() -> None:
    """Write the figures."""
    if not LONG or not TRIED:
        return
    minutes = (time.monotonic() - STARTED) / 60
    rows = []
    for what, count in sorted(TRIED.items()):
        folder, _, campaign = what.partition(": ")
        rows.append(f"| {campaign} | {count:,} | {FAILED[folder]} |")
    head = HEAD.format(date=datetime.now(UTC).date(), processors=os.cpu_count(), minutes=minutes)
    write_text(TARGET, "\n".join([head + "\n".join(rows), "", f"Python {platform.python_version()}.", ""]))
