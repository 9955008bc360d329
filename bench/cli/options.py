"""What several commands take from their options in the same way."""

from collections.abc import Iterable
from pathlib import Path

from bench.grid.request import Request, parse_request
from datasets.errors import BenchError


def request_from(
    *,
    methods: str,
    tasks: str,
    profile: str | None,
    data_root: Path | None,
    data: str | None,
    settings: Iterable[str],
    protocol: str,
    device: str,
    seeds: str = "0",
    jobs: int = 0,
    baselines: bool = True,
    force: bool = False,
    profile_time: bool = False,
) -> Request:
    """The request that a command's options mean."""
    if data not in (None, "synthetic"):
        raise BenchError(f"--data {data!r}: expected synthetic; real datasets are named by --data-root DIR")
    root = None if data == "synthetic" else data_root
    return parse_request(
        methods=methods,
        tasks=tasks,
        seeds=seeds,
        profile=profile or default_profile(root),
        protocol=protocol,
        data_root=root,
        settings=settings,
        device=device,
        force=force,
        jobs=jobs,
        baselines=baselines,
        profile_time=profile_time,
    )


def default_profile(data_root: Path | None) -> str:
    """`paper` where there are real data and a GPU to run it on, else `mini`."""
    if data_root is None:
        return "mini"
    import torch

    return "paper" if torch.cuda.is_available() else "mini"
