"""Where a run takes place: versions, device, commit. Goes into every record."""

import platform
import subprocess
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.grid.request import THREADS
from bench.pipeline.records import Environment

PACKAGES = (
    "pdr-bench",
    "torch",
    "torchvision",
    "timm",
    "kornia",
    "lightning",
    "numpy",
    "numba",
    "scikit-learn",
    "scipy",
    "mlflow",
)


@cache
def environment(device: str, threads: int = THREADS) -> Environment:
    """The environment of a run on `device` (`cpu` or `cuda`) whose stages compute on so many threads."""
    import torch

    commit, dirty = git_state(Path(__file__).parents[2])
    return Environment(
        packages={name: found for name in PACKAGES if (found := _version(name)) is not None},
        python=sys.version.split()[0],
        platform=platform.platform(),
        device=torch.cuda.get_device_name()
        if device == "cuda"
        else f"cpu ({platform.processor() or platform.machine()})",
        threads=threads,
        git_commit=commit,
        git_dirty=dirty,
    )


def git_state(folder: Path) -> tuple[str | None, bool | None]:
    """Commit and dirty flag of the checkout, or (None, None) outside one."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        return commit, bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))
    except (OSError, subprocess.CalledProcessError):
        return None, None


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=10
    )
    return done.stdout.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
