"""`bench render`: the user's own images, taken apart by a trained PDR and shown from new views and in new light."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from bench.execution.progress import RichProgress
from bench.grid import defaults
from bench.grid.catalogue import METHODS
from bench.grid.request import Options
from bench.pipeline.context import Context
from bench.pipeline.store import Store
from bench.scenes.filmstrip import Column, Row, page, write_animation, write_sheet
from bench.scenes.poses import described, parse_poses
from bench.scenes.relight import TYPICAL, Trained, find_domain, find_images, load_trained, read_images, renderable
from bench.terminal import Terminal
from datasets.blocks import to_float
from datasets.errors import BenchError
from methods.pdr.relight import Pose

# Poses of a sweep, by what is written.
FRAMES = {".png": 7, ".gif": 24}
# Of all pages together, which are in memory at once.
MOST_PIXELS = 3e8


def render_command(
    *,
    method: str,
    images: Sequence[Path],
    out: Path,
    yaw: str | None,
    pitch: float,
    light: str,
    frames: int | None,
    size: int,
    domain: str,
    profile: str | None,
    data_root: Path | None,
    data: str | None,
    seed: int,
    settings: Iterable[str],
    protocol: str,
    device: str,
    store: Path,
) -> None:
    """Check everything that is asked for, then render it and write one file."""
    console = Terminal(soft_wrap=True)
    kind = out.suffix.lower()
    if kind not in FRAMES:
        raise BenchError(f"--out {out}: expected a name that ends in .png (a sheet) or .gif (an animation)")
    poses = parse_poses(yaw, pitch, light, frames, FRAMES[kind])
    if kind == ".gif" and len(poses) == 1:
        raise BenchError(f"--out {out}: nothing moves; expected --yaw A:B or --light sweep, or a .png")
    entry, objects = METHODS.get(method), find_domain(domain)
    renderable(entry)
    settings = list(settings)
    request = Options(
        methods=method,
        tasks="bbt",
        profile=profile,
        data_root=data_root,
        data=data,
        settings=settings,
        protocol=protocol,
        device=device,
        seeds=str(seed),
        baselines=False,
    ).request()
    paths = find_images(images)
    if any(path.resolve() == out.resolve() for path in paths):
        raise BenchError(f"--out {out} is one of the images: choose another name")
    pictures = len(paths) * (len(poses) + 2 if kind == ".png" else len(poses) * 3)
    if pictures * size**2 > MOST_PIXELS:
        raise BenchError(f"--size {size}: {pictures} pictures of that size are too many; lower it or --frames")
    options = ["--profile", request.profile.name]
    options += [] if request.data_root is None else ["--data-root", str(request.data_root)]
    options += [] if data is None else ["--data", data]
    options += [part for text in settings for part in ("--set", text)]
    options += [] if protocol == "default" else ["--protocol", protocol]
    options += [] if device == "auto" else ["--device", device]
    options += [] if seed == 0 else ["--seeds", str(seed)]
    options += [] if store == defaults.STORE else ["--store", str(store)]
    with RichProgress(console) as progress:
        trained = load_trained(request, objects, Context.of(request, Store(store), progress), options)
    if size < trained.spec.size:
        raise BenchError(f"--size {size}: smaller than the model's {trained.spec.size} pixels")
    draw(trained, paths, poses, out, size, console)


def draw(
    trained: Trained, paths: Sequence[Path], poses: Sequence[Pose], out: Path, size: int, console: Console
) -> None:
    """De-render the images, render every pose, write the sheet or the animation, and say what there is to say."""
    pixels = read_images(paths, trained.spec.size)
    scenes, misfits = trained.scenes(pixels)
    rows = judged(trained, paths, misfits.cpu().numpy(), console)
    fixed = [Column(["input"], to_float(pixels)), Column(["reconstruction"], scenes.picture(Pose()))]
    moving = [Column(described(pose), scenes.picture(pose)) for pose in poses]
    if out.suffix.lower() == ".png":
        sheet = page(rows, [*fixed, *moving], size)
        write_sheet(sheet, out)
        count = f"{len(moving)} renderings"
    else:
        pages = [page(rows, [*fixed, column], size) for column in moving]
        sheet = pages[0]
        count = f"{write_animation(pages, out)} frames, forth and back"
    console.print(f"{out}: {len(paths)} {_plural('image', len(paths))}, {count}, {sheet.width} x {sheet.height} pixels")


def judged(trained: Trained, paths: Sequence[Path], misfits: np.ndarray, console: Console) -> list[Row]:
    """A row per image, with a warning for those that the model accounts for worse than for nearly all that it was
    not trained on; says the same, and what the model has seen, line by line."""
    label = trained.spec.trained.name if trained.training is None else trained.training.label
    if trained.training is not None and trained.training.synthetic:
        console.print(
            f"note: this model has seen drawn {trained.spec.domain} only ({label}); for photographs, train it with "
            "--data-root DIR and render with the same"
        )
    if trained.typical is None:
        why = "the weights are imported" if trained.training is None else f"{label} is too small to hold any out"
        console.print(f"note: not checked whether these are centred {trained.spec.domain}: no held-out images, {why}")
    rows = []
    for path, misfit in zip(paths, misfits, strict=True):
        if trained.typical is None or misfit <= trained.typical:
            rows.append(Row(path.name))
            continue
        rows.append(Row(path.name, f"unlike the training images (error {misfit:.2f} > {trained.typical:.2f})"))
        console.print(
            f"warning: {path} is unlike the images that the model knows: the reconstruction misses {misfit:.2f} of its "
            f"contrast; for {TYPICAL:.0%} of {label}'s held-out images that is below {trained.typical:.2f}; crop it to "
            f"one upright, centred {trained.spec.domain.removesuffix('s')}, framed as those are"
        )
    return rows


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
