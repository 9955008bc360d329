"""`bench export`: labelled images that a method makes, written for use elsewhere."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench.commands.labelling import ready
from bench.execution.progress import RichProgress
from bench.pipeline.cell import Cell
from bench.pipeline.computing import computing
from bench.pipeline.context import Context
from bench.pipeline.keys import key_of
from bench.pipeline.status import CellStatus
from bench.terminal import Terminal
from datasets.files import atomic_folder, remove, write_json
from datasets.labelled import TrainingPairs
from datasets.palette import palette
from datasets.streams import seed_for
from tasks.base import EvaluationInputs
from tasks.few_shot_parts.labels import Labels
from tasks.few_shot_parts.task import FewShotParts


def export_command(*, method: str, out: Path, count: int, settings: Sequence[str], **options: Any) -> None:
    """Check what is asked for, make the labelled images, and write them whole or not at all; `options` are those of
    `ready`."""
    console = Terminal(soft_wrap=True)
    with RichProgress(console) as progress:
        cell, status, context = ready(
            method, out, settings=[*settings, f"{method}.images={count}"], progress=progress, **options
        )
        with computing(context.threads):
            labels, pairs, folder = made(cell, status, context)
        write(out, labels, pairs, about(cell, status, labels, pairs))
        remove(folder)
    console.print(f"{out}: {len(pairs.pairs):,} labelled images of {count:,} generated, {len(labels.classes)} classes")
    for note in pairs.notes:
        console.print(f"note: {note}")


def made(cell: Cell, status: CellStatus, context: Context) -> tuple[Labels, TrainingPairs, Path]:
    """The labelled images of a cell of `few_shot_parts`, and the folder of what was kept on the way."""
    task, dataset, checkpoint = cell.task.task, status.dataset, status.checkpoint
    assert isinstance(task, FewShotParts), "few_shot_parts is a task of parts"
    assert dataset is not None, f"{cell.name} was looked at"
    assert checkpoint is not None, f"{cell.name} was looked at"
    own: dict[str, Any] = {
        "stage": "export",
        "method": cell.method.identity(encoding=True),
        "weights": checkpoint.sha256,
        "task": cell.task.identity,
        "data": dataset.digest,
        "seed": cell.seeds.evaluate,
        **context.hardware,
    }
    folder = context.store.evaluation(key_of(own))

    inputs = EvaluationInputs(
        dataset,
        cell.frames(dataset),
        seed=seed_for(cell.seeds.evaluate, "evaluate", cell.task.name),
        model=partial(status.load, context.device),
        device=context.device,
        progress=context.progress,
        folder=folder,
    )
    labels, pairs = task.pairs(inputs)
    return labels, pairs, folder


def about(cell: Cell, status: CellStatus, labels: Labels, pairs: TrainingPairs) -> dict[str, Any]:
    """The manifest, but for the items."""
    assert status.checkpoint is not None, f"{cell.name} was looked at"
    few = cell.task.task.config.labelled_images
    return {
        "classes": [
            {"number": number, "name": name, "colour": colour.tolist()}
            for number, (name, colour) in enumerate(zip(labels.classes, palette(len(labels.classes)), strict=True))
        ],
        "method": cell.method.name,
        "profile": cell.profile,
        "weights": status.checkpoint.sha256,
        "taught_by": {"dataset": labels.dataset.label, "images": labels.order[:few].tolist()},
        "seed": str(cell.seeds),
        "notes": list(pairs.notes),
        "details": dict(pairs.details),
    }


def write(out: Path, labels: Labels, pairs: TrainingPairs, manifest: dict[str, Any]) -> None:
    """The folder, whole or not at all."""
    colours = palette(len(labels.classes)).ravel().tolist()
    width = max(6, len(str(len(pairs.pairs))))
    items = []
    with atomic_folder(out) as temporary:
        for folder in ("images", "masks"):
            (temporary / folder).mkdir()
        for index, (image, parts) in enumerate(zip(pairs.pairs.images, pairs.pairs.labels, strict=True)):
            names = {"image": f"images/{index:0{width}d}.png", "mask": f"masks/{index:0{width}d}.png"}
            Image.fromarray(image).save(temporary / names["image"])
            mask = Image.fromarray(np.ascontiguousarray(parts))
            mask.putpalette(colours)  # the numbers stay: an indexed image of them
            mask.save(temporary / names["mask"])
            unsure = {} if pairs.uncertainty is None else {"uncertainty": float(pairs.uncertainty[index])}
            items.append({**names, **unsure})
        write_json(temporary / "manifest.json", {**manifest, "items": items})
