"""What benchmarks share: the modules beside them, and `--results DIR`, which keeps what was measured.

For each file of benchmarks one JSON file says what was measured on which machine, and `table.md` shows them all:
seconds, how many times as fast as the other contender or how much of a limit was used, and what was to be reached.
"""

import json
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jaxtyping
import psutil
import pytest

from datasets.files import write_json, write_with

sys.path.insert(0, str(Path(__file__).parent))

# Under these names benchmarks put the figure that is held to a `reach` into their extra_info, and how to read it.
FIGURES = {
    "times_faster": ("{:.1f} times as fast", "at least {:g}"),
    "ratio": ("{:.2f} times the time", "at most {:g}"),
    "milliseconds": ("{:.1f} ms", "at most {:g} ms"),
    "share": ("{:.1%}", "at most {:.0%}"),
    "peak_gb": ("{:.2f} GB", "below {:g} GB"),
    "seconds": ("{:.2f} s", "at most {:g} s"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--results", type=Path, default=None, help="folder that gets one JSON per file, and table.md")


@pytest.fixture
def as_users_run_it() -> Iterator[None]:
    """Shapes are checked at every call in the tests alone."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write what was measured; a file of which nothing ran keeps what it had."""
    folder: Path | None = session.config.getoption("--results")
    measured = getattr(session.config, "_benchmarksession", None)
    if folder is None or measured is None:
        return
    found: dict[str, list[dict[str, Any]]] = {}
    for one in measured.benchmarks:
        if not one.has_error:
            case = {"case": one.name, "seconds": one.stats.min, "rounds": one.stats.rounds, **one.extra_info}
            found.setdefault(Path(one.fullname.partition("::")[0]).stem, []).append(case)
    for stem, cases in found.items():
        write_json(folder / f"{stem}.json", {"machine": machine(), "cases": cases})
    write_with(folder / "table.md", lambda path: path.write_text(table(folder), encoding="utf-8"))


def machine() -> dict[str, Any]:
    """The machine without its name."""
    import torch

    cpu = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    lines = dict(line.partition(":")[::2] for line in cpu.split("\n\n")[0].splitlines())
    about = {name.strip(): value.strip() for name, value in lines.items()}
    return {
        "cpu": about.get("model name", platform.processor() or platform.machine()),
        "cores": psutil.cpu_count(),
        "bfloat16": sorted({"avx512_bf16", "amx_bf16", "bf16"} & set(about.get("flags", "").split())),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def table(folder: Path) -> str:
    """All results of a folder as one Markdown table."""
    lines = ["# Speed", "", "Written by `tox -e bench`; ratios are within one run, seconds the least of several.", ""]
    for path in sorted(folder.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        about = result["machine"]
        bf16 = f", {' '.join(about['bfloat16'])}" if about["bfloat16"] else ""
        lines += [
            f"## {path.stem}",
            "",
            f"{about['cpu']}, {about['cores']} cores{bf16}, {about['memory_gb']:g} GB, "
            f"{about['gpu'] or 'no GPU'}, torch {about['torch']}, {about['date']}",
            "",
            "| case | seconds | measured | reach |",
            "|---|---:|---|---|",
            *(row(case) for case in result["cases"]),
            "",
        ]
    return "\n".join(lines)


def row(case: dict[str, Any]) -> str:
    """One case; of its figures the one that is held to a reach."""
    figure = next((name for name in FIGURES if name in case and case.get("reach")), None)
    measured, reach = ("", "") if figure is None else (form.format(case[key]) for form, key in _texts(figure))
    return f"| {case['case']} | {case['seconds']:.3g} | {measured} | {reach} |"


def _texts(figure: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (FIGURES[figure][0], figure), (FIGURES[figure][1], "reach")
