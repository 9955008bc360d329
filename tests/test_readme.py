"""Every code block of README.md is executed, in order, in an empty folder with a store of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.results.readme import readme_table, readme_text

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"(?:<!-- (?P<kind>command|file): (?P<name>\S+) -->\n)?```(?P<language>\w+)\n(?P<code>.*?)\n```", re.S
)
BLOCKS = [match.groupdict() for match in BLOCK.finditer((ROOT / "README.md").read_text(encoding="utf-8"))]
INSTALL = re.compile(r"^.*\.venv/bin/python ")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty folder holding the files that the README writes."""
    folder = tmp_path_factory.mktemp("readme")
    for block in BLOCKS:
        if block["kind"] == "file":
            (folder / block["name"]).write_text(block["code"] + "\n", encoding="utf-8")
    return folder


def run(command: str, place: Path, **variables: str) -> str:
    """Run shell commands with this interpreter as `python`; the output."""
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "BENCH_STORE": str(place / "store"),
        **variables,
    }
    environment.pop("BENCH_DATA", None)
    done = subprocess.run(
        ["bash", "-ec", command], cwd=place, env=environment, capture_output=True, text=True, timeout=500, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def shell_blocks() -> list[str]:
    """The commands to run: all but the installation, which continuous integration runs by its own README line."""
    commands = []
    for block in BLOCKS:
        if block["language"] != "sh" or block["name"] == "test":
            continue
        code = block["code"]
        if block["name"] == "main":
            code = INSTALL.sub("python ", code) + " --profile smoke"
        commands.append(code)
    return commands


def test_the_two_setup_commands_are_one_line_each() -> None:
    named = {block["name"]: block["code"] for block in BLOCKS if block["kind"] == "command"}
    assert set(named) == {"main", "test"}
    assert all("\n" not in code for code in named.values())
    assert INSTALL.search(named["main"]), "the main command installs, then runs"


@pytest.mark.parametrize("command", shell_blocks(), ids=lambda code: code.splitlines()[0][:60])
def test_commands(command: str, place: Path) -> None:
    out = run(command, place)
    if "--methods all" in command and "--dry-run" not in command:
        assert "pdr_loocc_lv" in out
        assert "[synthetic]" in out
    if "why" in command:
        assert "fit method.config.nf: 16 -> 32" in out


def test_a_method_from_a_package_of_ones_own(place: Path) -> None:
    """The README's package, installed for real, is a registered name."""
    site = place / "site"
    run(f"python -m pip install -q --no-deps --no-build-isolation --target {site} {place}", place)
    out = run("python -m bench list methods && python -m bench doctor mine", place, PYTHONPATH=str(site))
    assert "from package my-learners" in out
    assert "all checks passed" in out


@pytest.mark.parametrize(("marker", "made"), [("table: mini", readme_table), ("text: mini", readme_text)])
def test_the_table_and_what_is_said_of_it_are_those_of_the_committed_results(
    marker: str, made: Callable[[Path], str]
) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = text.partition(f"<!-- {marker} -->\n")[2].partition("\n<!-- end -->")[0]
    assert shown == made(ROOT / "results" / "mini" / "table.csv"), "run python -m bench publish"
