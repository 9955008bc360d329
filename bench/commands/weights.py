"""`bench import-weights`."""

from pathlib import Path

from bench.grid.catalogue import METHODS
from bench.pipeline.store import Store
from bench.streams import say
from bench.training.tensors import write_tensors
from datasets.errors import BenchError
from datasets.files import write_with


def import_weights_command(method: str, file: Path, name: str, root: Path) -> None:
    """Convert a checkpoint of other code into the store's weights and say how to use them."""
    entry = METHODS.get(method)
    if not file.is_file():
        raise BenchError(f"{file}: no such file; expected a checkpoint of {method}")
    state = entry.load().import_weights(file)
    target = Store(root).weights(name)
    write_with(target, lambda path: write_tensors(path, state))
    count = sum(value.numel() for value in state.values())
    say(f"{method}: {len(state)} tensors, {count:,} values imported as {name!r}")
    say(f"use them:  python -m bench run --methods {method} --tasks bbt --set {method}.weights={name}")
