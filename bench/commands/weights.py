"""`bench import-weights`."""

import os
import shlex
from pathlib import Path

from bench.grid.catalogue import METHODS
from bench.grid.values import parse_value
from bench.pipeline.store import Store
from bench.streams import say
from bench.training.tensors import write_tensors
from datasets.errors import BenchError
from datasets.files import write_with
from datasets.names import printable
from datasets.sealed import digests, write_sealed

# Signs that a path, a shell, a list of settings or some file system takes for its own.
UNUSABLE = set("/\\:*?\"'<>|,;=[]{}~$`!&#%")
# What Windows calls devices, with whatever ending.
RESERVED = {"CON", "PRN", "AUX", "NUL", *(f"{device}{number}" for device in ("COM", "LPT") for number in range(10))}
# Bytes of a name: file systems take 255, with the ending and that of the file while it is written.
LONGEST = 150
# Letters of a name that is refused.
SHOWN = 60


def import_weights_command(method: str, file: Path, name: str, root: Path) -> None:
    """Convert a checkpoint of other code into the store's weights and say how to use them."""
    entry = METHODS.get(method)
    check_name(name)
    if not os.path.lexists(file):
        raise BenchError(f"{file}: no such file; expected a checkpoint of {method}")
    state = entry.load().import_weights(file)
    target = Store(root).weights(name)
    write_with(target, lambda path: write_tensors(path, state))
    write_sealed(target.with_suffix(".json"), {"method": method, "files": digests([target])})
    count = sum(value.numel() for value in state.values())
    say(f"{method}: {len(state)} tensors, {count:,} values imported as {name!r}")
    setting = shlex.quote(f"{method}.weights={name}")
    say(f"use them:  python -m bench run --methods {shlex.quote(method)} --tasks bbt --set {setting}")


def check_name(name: str) -> None:
    """Refuse a name that is no file's on every system, or that `--set METHOD.weights=NAME` would take for something
    else: a path, a number, a list."""
    stem = name.partition(".")[0].rstrip(" ").upper()
    try:
        as_typed = parse_value(name) == name
    except BenchError:
        as_typed = False
    if (
        not name
        or not as_typed
        or printable(name) != name
        or set(name) & UNUSABLE
        or name != name.strip(" .")
        or len(name.encode()) > LONGEST
        or stem in RESERVED
    ):
        shown = name if len(name) <= SHOWN else f"{name[:SHOWN]}..."
        raise BenchError(
            f"weights cannot be called {shown!r}: expected a plain name, such as --name celeba, without path, "
            f"punctuation of a shell or full stop at its end, of at most {LONGEST} bytes"
        )
