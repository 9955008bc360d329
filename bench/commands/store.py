"""`bench store verify`."""

from collections import Counter
from pathlib import Path

import typer
from rich.console import Console

from bench.execution.progress import RichProgress
from bench.pipeline.store import Store
from bench.pipeline.verification import artifacts, checked
from datasets.errors import BenchError


def verify_command(root: Path) -> int:
    """Read everything in the store and compare it with its digests; returns 1 where anything is damaged."""
    if not root.is_dir():
        raise BenchError(f"no store at {root}: name its folder by --store")
    console = Console(stderr=True, markup=False, emoji=False)
    found = artifacts(Store(root))
    damaged: Counter[str] = Counter()
    with RichProgress(console) as progress:
        for one in progress.track(checked(found), total=len(found), what="verify"):
            if one.damage is not None:
                damaged[one.kind] += 1
                typer.echo(f"damaged: {one.damage}")
    for kind, count in Counter(kind for kind, _, _ in found).items():
        typer.echo(f"{kind}: {count} checked, {damaged[kind]} damaged")
    if damaged:
        typer.echo("the commands that wrote the damaged ones find them and compute them again: run those")
        return 1
    typer.echo(f"{root} is whole")
    return 0
