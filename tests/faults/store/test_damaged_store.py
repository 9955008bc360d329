"""Damaged stores: the same command gives the same numbers, says what was damaged, and never ends in a traceback.

`FAULTS=long` tries 300 damages, others at each run; without it the same few take some seconds.
"""

import contextlib
import io
import json
import random
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import pytest

from bench.__main__ import main
from tests.faults.campaign import LONG, generator, tried

CASES = 300 if LONG else 12
COMMAND = ["run", "--methods", "random_init,vqvae", "--no-baselines", "--tasks", "bbt", "--profile", "smoke"]
COMMAND += ["--no-mlflow", "--jobs", "1"]
# What completes an artifact: without it there is none.
COMPLETING = {"meta.json", "checkpoint.json", "features.json"}


def command(*arguments: str) -> tuple[int, str]:
    """A command's exit code, and all that it printed; what it raises is a traceback to its user."""
    out = io.StringIO()
    before, sys.argv = sys.argv, ["bench", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main()
        return 0, out.getvalue()
    except SystemExit as end:
        return int(end.code or 0), out.getvalue()
    finally:
        sys.argv = before


def scores(store: Path) -> dict[str, Any]:
    """Cell -> its metrics, as the records have them."""
    records = [json.loads(path.read_text()) for path in store.glob("records/*.json")]
    return {f"{one['method']}/{one['seed']}": (one["metrics"], one["intervals"]) for one in records}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished store."""
    store = tmp_path_factory.mktemp("whole") / "store"
    code, text = command(*COMMAND, "--store", str(store))
    assert code == 0, text
    assert command("store", "verify", "--store", str(store))[0] == 0
    return store


DAMAGES: dict[str, Callable[[bytes, random.Random], bytes | None]] = {
    "a flipped bit": lambda content, rng: _flipped(content, rng, 1),
    "fifty flipped bits": lambda content, rng: _flipped(content, rng, 50),
    "a zeroed block": lambda content, rng: _zeroed(content, rng),
    "cut": lambda content, rng: content[: rng.randrange(len(content))],
    "emptied": lambda content, rng: b"",
    "longer": lambda content, rng: content + content[-100:],
    "other bytes": lambda content, rng: rng.randbytes(len(content)),
    "a digit edited": lambda content, rng: _edited(content, rng),
    "gone": lambda content, rng: None,
}


def _flipped(content: bytes, rng: random.Random, count: int) -> bytes:
    out = bytearray(content)
    for _ in range(count):
        out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
    return bytes(out)


def _zeroed(content: bytes, rng: random.Random) -> bytes:
    start = rng.randrange(len(content))
    return content[:start] + bytes(min(4096, len(content) - start)) + content[start + 4096 :]


def _edited(content: bytes, rng: random.Random) -> bytes:
    digits = [place for place, byte in enumerate(content) if chr(byte).isdigit() and byte < 128]
    if not digits:
        return content
    place = rng.choice(digits)
    return content[:place] + str((int(chr(content[place])) + 1) % 10).encode() + content[place + 1 :]


def _same_array(before: bytes, after: bytes | None) -> bool:
    try:
        first, second = (np.load(io.BytesIO(content or b""), allow_pickle=False) for content in (before, after))
    except (ValueError, EOFError, TokenError, SyntaxError):
        return False
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


@pytest.mark.parametrize("case", range(CASES))
def test_a_damaged_store_gives_the_same_numbers(tmp_path: Path, whole: Path, case: int) -> None:
    tried("store: damaged files of a store")
    rng = generator(case)
    store = tmp_path / "store"
    shutil.copytree(whole, store)
    files = [path for path in sorted(store.rglob("*")) if path.is_file() and path.suffix != ".lock"]
    # Kinds of artifacts are as likely as each other, however many files they have.
    kind = rng.choice(sorted({path.relative_to(store).parts[0] for path in files}))
    path = rng.choice([path for path in files if path.relative_to(store).parts[0] == kind])
    name = rng.choice(sorted(DAMAGES))
    before = path.read_bytes()
    after = DAMAGES[name](before, rng)
    path.unlink()
    if after is not None:
        path.write_bytes(after)
    about = f"{path.relative_to(store)}: {name}"

    code, text = command("store", "verify", "--store", str(store))
    # Of prepared arrays it is the content that counts: bytes behind it, and spaces in the header, change nothing.
    unchanged = after == before or (kind == "data" and path.suffix == ".npy" and _same_array(before, after))
    beside = kind == "invocations" and path.suffix == ".yaml"  # a manifest says that it is there
    absent = after is None and not beside and (path.name in COMPLETING or kind in ("records", "charts", "invocations"))
    assert code == int(not unchanged and not absent), f"{about}\n{text}"

    # What a run would not look at, since a later result is there, is looked at where that is gone.
    for folder in rng.choice([(), ("records",), ("records", "features"), ("records", "features", "checkpoints")]):
        if folder != kind:
            shutil.rmtree(store / folder)
    code, text = command(*COMMAND, "--store", str(store))
    assert code == 0, f"{about}\n{text}"
    assert scores(store) == scores(whole), f"{about}\n{text}"
    for other in (("table", "2"), ("report", "--output", str(tmp_path / "page.html"))):
        code, text = command(*other, "--store", str(store))
        assert code in (0, 2), f"{about}, then {other[0]}\n{text}"
    assert command(*COMMAND, "--store", str(store))[0] == 0, f"{about}, once more"
