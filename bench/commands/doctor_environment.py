"""`bench doctor` without a method: is this environment fit to run, and where are things looked for?"""

import importlib.util
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import torch
from rich.text import Text

from bench.grid.catalogue import DATASETS
from bench.grid.request import Options
from bench.pipeline.specs import method_spec
from bench.pipeline.store import Store
from bench.siblings import ROOT, SIBLINGS, passed_over
from bench.terminal import Terminal
from datasets.cores import usable_cores
from datasets.errors import BenchError
from methods.torchvision_compat import declare_missing_operators

Line = tuple[Literal["ok", "absent", "failed"], str]
STYLES = {"ok": "green", "absent": "yellow", "failed": "red"}

PACKAGES = ("bench", *SIBLINGS)


def environment_command(data_root: Path | None, store: Path) -> int:
    """Print a line per finding; returns 1 where one keeps runs from being right."""
    console = Terminal()
    failed = 0
    for part, lines in (
        ("packages", packages()),
        ("torch", torch_build()),
        ("renderer", renderers()),
        ("datasets", datasets_found(data_root)),
        ("weights", weights_found(store)),
    ):
        console.print(part, style="bold")
        for state, text in lines:
            failed += state == "failed"
            console.print(Text.assemble("  ", (f"{state:<6}", STYLES[state]), f" {text}"), soft_wrap=True)
    console.print("environment is fit" if not failed else f"{failed} findings to mend")
    return int(failed > 0)


def packages() -> Iterator[Line]:
    """Whether the four packages are this project's, and what else bears their names."""
    for name in PACKAGES:
        spec = importlib.util.find_spec(name)
        origin = Path(spec.origin).resolve().parent if spec is not None and spec.origin else None
        if origin == ROOT / name:
            other = passed_over(name)
            yield "ok", f"{name} is this project's ({origin})" + (f"; {other} is passed over" if other else "")
        else:
            yield (
                "failed",
                f"{name} is {origin}, which shadows {ROOT / name}: install this project in an environment alone",
            )
    if (distribution := shadowed_datasets()) is not None:
        yield (
            "failed",
            f"the distribution {distribution} has a top-level `datasets` too: one of the two shadows the other",
        )


def shadowed_datasets() -> str | None:
    """An installed distribution besides this one that brings a top-level package `datasets`."""
    try:
        return f"datasets {version('datasets')}"
    except PackageNotFoundError:
        return None


def torch_build() -> Iterator[Line]:
    """Versions, whether torchvision's operators match, and the device."""
    declared = declare_missing_operators()
    import torchvision

    match = (
        "its operators do not match this torch and are declared by the project" if declared else "its operators load"
    )
    yield (
        "ok",
        f"python {sys.version.split()[0]}, torch {torch.__version__}, torchvision {torchvision.__version__}: {match}",
    )
    if torch.cuda.is_available():
        name, memory = torch.cuda.get_device_name(), torch.cuda.get_device_properties(0).total_memory
        yield "ok", f"GPU: {name}, {memory / 2**30:.0f} GiB"
    else:
        yield (
            "absent",
            f"no GPU that torch can use; {usable_cores()} CPU cores to use, {torch.get_num_threads()} threads",
        )


def renderers() -> Iterator[Line]:
    """Which rasteriser backends work here."""
    from methods.rendering import numba_backend

    yield "ok", f"native: numba on a CPU, torch on a GPU ({numba_backend.__name__} imports)"
    found = importlib.util.find_spec("neural_renderer")
    if found is None:
        yield "absent", "nmr: not installed (optional: the original CUDA renderer, extra [nmr])"
    elif not torch.cuda.is_available():
        yield "ok", "nmr: installed, but it needs a GPU; native is used"
    else:
        yield "ok", "nmr: installed"


def datasets_found(data_root: Path | None) -> Iterator[Line]:
    """Which real datasets lie below the data root; none is needed, stand-ins take their place."""
    if data_root is None:
        yield "absent", "no data root (--data-root DIR or $BENCH_DATA): runs use the synthetic stand-ins"
        return
    if not data_root.is_dir():
        yield "failed", f"data root {data_root} is not a folder"
        return
    for name, entry in DATASETS.entries().items():
        if entry.argument or not entry.target:
            continue
        try:
            entry.load()(data_root).fingerprint()
        except BenchError as error:
            yield "absent", f"{name}: {error}"
        else:
            yield "ok", f"{name}: found"


def weights_found(store: Path) -> Iterator[Line]:
    """Which methods lack a file of published weights in the paper profile, and where it is looked for."""
    request = Options(tasks="bbt", profile="paper", data="synthetic", device="cpu").request()
    opened = Store(store)
    absent: dict[str, list[str]] = {}
    for entry in request.methods:
        spec = method_spec(entry, request, "faces", opened)
        try:
            spec.trained.cls.check_resources(spec.trained.config)
        except BenchError as error:
            absent.setdefault(str(error), []).append(entry.name)
            continue
        files = [getattr(spec.config, name) for name in sorted(spec.cls.Config.file_fields())]
        if found := ", ".join(filter(None, files)):
            yield "ok", f"{entry.name}: {found}"
    for reason, names in absent.items():
        yield "absent", f"{', '.join(names)}: {reason}"
    if not absent:
        yield "ok", "every method of the paper profile has what it needs"
