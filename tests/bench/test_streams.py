"""The doors of standard output and standard error."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.streams import prepare, say

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "? Zo? ?"), ("cp1252", "? Zoë ?"), ("utf-8", "✓ Zoë 李")])
def test_what_an_encoding_lacks_is_replaced(encoding: str, shown: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict"))
    prepare()
    say("✓ Zoë 李")
    say("✓ Zoë 李", error=True)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
        assert stream.buffer.getvalue().decode(encoding) == f"{shown}\n"  # type: ignore[attr-defined]


def test_what_is_said_has_lines_but_no_codes(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\n\x1b[31mb \udce9", end="")
    say(Path("caf\udce9"), error=True)
    out, err = capsys.readouterr()
    assert (out, err) == ("a\n\\x1b[31mb \\xe9", "caf\\xe9\n")


@pytest.mark.parametrize(
    "settings",
    [
        {"PYTHONIOENCODING": "cp1252"},
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    ],
)
@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["list", "tasks"], ["table", "李"], ["lists"]])
def test_commands_end_as_in_utf_8(settings: dict[str, str], arguments: list[str], tmp_path: Path) -> None:
    done = [
        subprocess.run(
            [sys.executable, "-m", "bench", *map(os.fsencode, arguments)],
            cwd=ROOT,
            env={**os.environ, "BENCH_STORE": str(tmp_path / "store"), **own},
            capture_output=True,
            check=False,
        )
        for own in ({"PYTHONIOENCODING": "utf-8"}, settings)
    ]
    assert done[0].returncode == done[1].returncode == (0 if arguments[-1] in ("--help", "tasks") else 2)
    assert b"Traceback" not in done[1].stderr
    assert bool(done[0].stdout) == bool(done[1].stdout)
