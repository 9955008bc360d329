"""`bench store verify`."""

from collections import Counter
from pathlib import Path

from bench.execution.progress import RichProgress
from bench.pipeline.store import Store
from bench.pipeline.verification import artifacts, checked
from bench.streams import say
from bench.terminal import Terminal
from datasets.errors import BenchError


def verify_command(root: Path) -> int:
    """Read everything in the store and compare it with its digests; returns 1 where anything is damaged."""
    if not root.is_dir():
        raise BenchError(f"no store at {root}: name its folder by --store")
    console = Terminal(stderr=True)
    found = artifacts(Store(root))
    damaged: Counter[str] = Counter()
    with RichProgress(console) as progress:
        for one in progress.track(checked(found), total=len(found), what="verify"):
            if one.damage is not None:
                damaged[one.kind] += 1
                say(f"damaged: {one.damage}")
    for kind, count in Counter(kind for kind, _, _ in found).items():
        say(f"{kind}: {count} checked, {damaged[kind]} damaged")
    if damaged:
        say("the commands that wrote the damaged ones find them and compute them again: run those")
        return 1
    say(f"{root} is whole")
    return 0
