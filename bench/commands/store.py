"""`bench store verify`, `du` and `gc`."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from bench.execution.progress import RichProgress, gigabytes
from bench.execution.unneeded import Holding, collect, holdings
from bench.pipeline.store import Store
from bench.pipeline.verification import artifacts, checked
from bench.streams import say
from bench.terminal import Terminal
from datasets.errors import BenchError


def du_command(root: Path) -> None:
    """Print how much of what lies in a store, and how much of it no run of the store needs."""
    found = holdings(_opened(root))
    for kind, own in _by_kind(found).items():
        idle = [one for one in own if not one.needed]
        more = f", of which no run needs {len(idle)}: {_told(idle)}" if idle else ""
        say(f"{kind}: {len(own)}, {_told(own)}{more}")
    say(f"{root}: {_told(found)}")


def gc_command(root: Path, keep: int | None, *, dry_run: bool) -> None:
    """Remove what no kept run needs, or only say what that is."""
    store = _opened(root)
    gone = [one for one in holdings(store, keep) if not one.needed] if dry_run else list(collect(store, keep))
    for kind, own in _by_kind(gone).items():
        say(f"{kind}: {len(own)}, {_told(own)}")
    say(f"{'would remove' if dry_run else 'removed'} {_told(gone)}")


def _opened(root: Path) -> Store:
    if not root.is_dir():
        raise BenchError(f"no store at {root}: name its folder by --store")
    return Store(root)


def _by_kind(found: Iterable[Holding]) -> dict[str, list[Holding]]:
    kinds: dict[str, list[Holding]] = {}
    for one in found:
        kinds.setdefault(one.kind, []).append(one)
    return kinds


def _told(found: Iterable[Holding]) -> str:
    return gigabytes(sum(one.size for one in found))


def verify_command(root: Path) -> int:
    """Read everything in the store and compare it with its digests; returns 1 where anything is damaged."""
    store = _opened(root)
    console = Terminal(stderr=True)
    found = artifacts(store)
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
