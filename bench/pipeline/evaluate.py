"""The last stage: a task's scores of a method, as a record."""

import shutil
from dataclasses import fields, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Int
from PIL import Image

from bench.escaping import file_name
from bench.pipeline.context import Context
from bench.pipeline.encode import encode_ingredients
from bench.pipeline.fit import loop_ingredients
from bench.pipeline.limit import part_tested
from bench.pipeline.memory import PeakMemory
from bench.pipeline.predictions import CURVES, curves_in
from bench.pipeline.record_builder import Kept, RecordBuilder
from bench.pipeline.records import PictureFile, Record
from bench.pipeline.scores import checked
from bench.pipeline.stage import Stage
from bench.pipeline.status import CellStatus
from bench.pipeline.store import ABOUT
from bench.timing import part
from bench.training.loop import FabricTrainer
from datasets.files import atomic_folder, write_json
from datasets.sealed import digests, write_sealed
from datasets.streams import seed_for
from tasks.base import EvaluationInputs, Scores, reduced


def evaluate_ingredients(
    status: CellStatus, frames: Int[np.ndarray, " m"], encode_key: str | None, context: Context
) -> dict[str, Any]:
    """What a record depends on besides what its features depend on: the model where the task asks for it, and the
    training loop where the task trains."""
    cell = status.cell
    assert status.checkpoint is not None, f"{cell.name} is evaluated before its method is there"
    assert status.dataset is not None, f"{cell.name} is evaluated before its dataset is there"
    task = cell.task.task
    ingredients: dict[str, Any] = {
        "stage": "evaluate",
        "cell": {
            "method": cell.method.name,
            "task": cell.task.key_name,
            "profile": cell.profile,
            "protocol": cell.protocol,
        },
        "features": encode_key,
        "task": cell.task.identity,
        "seed": cell.seeds.evaluate,
    }
    if task.asks_model or task.trains:
        ingredients["model"] = encode_ingredients(
            cell, status.checkpoint, status.derived, status.dataset, frames, context
        )
        ingredients |= context.hardware  # with the device goes the precision that a schedule's `auto` means
    if task.trains:
        ingredients |= loop_ingredients()
    return ingredients


def evaluate_stage(
    status: CellStatus, frames: Int[np.ndarray, " m"], encode_key: str | None, context: Context
) -> Stage[Record]:
    """Evaluate the cell's method on its task and write the record, with per-item arrays and pictures beside it."""
    ingredients = evaluate_ingredients(status, frames, encode_key, context)

    def compute(key: str) -> None:
        builder = RecordBuilder(status, context, started=datetime.now(UTC))
        with PeakMemory() as memory, part("evaluate"):
            scores = evaluate(status, frames, key, context)
        kept = write_predictions(status, key, scores, context)
        record = builder.finished(key, scores, kept, memory.mb)
        record.write(context.store.record_path(key))
        shutil.rmtree(context.store.evaluation(key), ignore_errors=True)

    return Stage(
        name="evaluate",
        kind="evaluation",
        ingredients=ingredients,
        data=() if status.dataset is None else (status.dataset,),
        open=context.store.record,
        verify=context.store.check_predictions,
        discard=context.store.discard_record,
        compute=compute,
    )


def evaluate(status: CellStatus, frames: Int[np.ndarray, " m"], key: str, context: Context) -> Scores:
    """The task's scores; a task that trains goes on from where it was interrupted."""
    cell = status.cell
    assert status.dataset is not None, f"{cell.name} is evaluated before its dataset is there"
    task = cell.task.task

    if task.trains:
        about = {"run": context.run, "method": cell.name, "seed": str(cell.seeds)}
        write_sealed(context.store.evaluation(key) / ABOUT, about)
    trainer = FabricTrainer(
        context.store.evaluation(key),
        seed=cell.seeds.evaluate,
        device=context.device,
        progress=context.progress,
        label=cell.task.label,
    )
    inputs = EvaluationInputs(
        status.dataset,
        frames,
        seed=seed_for(cell.seeds.evaluate, "evaluate", cell.task.name),
        features=None if status.features is None else status.features.values,
        model=partial(status.load, context.device) if task.asks_model else None,
        trainer=trainer if task.trains else None,
        device=context.device,
        progress=context.progress,
        folder=context.store.evaluation(key) / "work",
    )
    scores = checked(task.evaluate(inputs), task)
    less = part_tested(task, status.dataset, frames, cell.all_frames(status.dataset))
    return replace(scores, captions=[*scores.captions, *reduced(less)])


def write_predictions(status: CellStatus, key: str, scores: Scores, context: Context) -> Kept | None:
    """Per-item arrays of a cell, one .npy each, its pictures, one .png each, whose names say whose they are, and the
    learning curves of what its task trained.

    Returns what was kept; None where there is neither.
    """
    if not scores.predictions and not scores.pictures:
        return None
    folder, prefix = context.store.predictions(key), file_name(status.cell.name)
    pictures = []
    with atomic_folder(folder) as temporary:
        for name, values in scores.predictions.items():
            np.save(temporary / f"{name}.npy", values, allow_pickle=False)
        for name, picture in scores.pictures.items():
            file = f"{prefix}-{name}.png"
            said = {part.name: getattr(picture, part.name) for part in fields(picture) if part.name != "pixels"}
            pictures.append(PictureFile(file=file, **said))
            Image.fromarray(picture.pixels).save(temporary / file)
        if curves := curves_in(context.store.evaluation(key)):
            write_json(temporary / CURVES, curves)
        files = digests(temporary.iterdir())
    return Kept(files, pictures)
