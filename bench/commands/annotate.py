"""`bench annotate`: generated samples for a person to label, whose labels then teach the generator's interpreter."""

from pathlib import Path
from typing import Any

from bench.commands.labelling import ready
from bench.execution.progress import RichProgress
from bench.pipeline.computing import computing
from bench.terminal import Terminal
from datasets.streams import seed_for
from methods.datasetgan.method import DatasetGAN
from methods.datasetgan.samples import write_samples
from tasks.few_shot_parts.labels import told_apart


def annotate_command(*, method: str, out: Path, count: int, **options: Any) -> None:
    """Draw the samples and say how their labels come back; `options` are those of `ready`."""
    console = Terminal(soft_wrap=True)
    with RichProgress(console) as progress:
        cell, status, context = ready(method, out, progress=progress, **options)
        assert status.dataset is not None, f"{cell.name} was looked at"
        loaded = status.load(context.device)
        assert isinstance(loaded, DatasetGAN), f"{method} was checked to be a generator"
        classes, _ = told_apart(status.dataset, cell.task.task.config.classes)
        with computing(context.threads):
            stream = seed_for(cell.seeds.fit, "annotate")
            write_samples(loaded.module, out, count, classes, seed=stream, truncation=loaded.config.truncation)
    console.print(
        f"{out}: {count:,} samples. Draw a mask of each into {out / 'masks'} (NAME.png of the numbers or colours in "
        f"classes.json, LabelMe's NAME.json, or CVAT's export), then run with --set {method}.annotations={out}"
    )
