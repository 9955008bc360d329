"""The figures that papers published, to stand beside ours; read from results/paper/*.csv.

Four shapes of file hold figures of a (method, task) pair: `method,task,<metric>,...,source` with one column
per metric, `quantity,method,task,value,source` with one figure per line, and, in a file named after its task,
`method,train_samples,<metric>_<mode>,...,source`, where the figures of 100 labelled images are those of the metric
`<metric>_100_<mode>`, or `encoder,<metric>,...,source`, where a U-Net's encoder stands for a method. A remark in
brackets after the method's name, as in `vqvae (best baseline)`, is not part of the name.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from datasets.errors import BenchError

PAPER_FOLDER = Path(__file__).parents[2] / "results" / "paper"

# How a file says that a paper gives a figure for "ours" without saying for which of its variants.
UNATTRIBUTED = "variant not stated"

# Columns that hold no figure.
AXES = ("method", "task", "train_samples", "encoder", "source")

# The methods that a U-Net's encoders stand for.
ENCODERS = {
    "supervised_random_init": "unet_random_init",
    "geometry": "pdr_unet_geometry",
    "albedo": "pdr_unet_albedo",
    "joint": "pdr_unet_joint",
    "joint_frozen": "pdr_unet_joint_frozen",
}


@dataclass(frozen=True)
class Published:
    """One published figure: its value, in the metric's own unit, and the place in the paper that gives it."""

    value: float
    source: str


@dataclass(frozen=True)
class Figures:
    """All published figures, those of a method by (method, task, metric), the others by (task, metric)."""

    attributed: dict[tuple[str, str, str], Published]
    unattributed: dict[tuple[str, str], tuple[Published, ...]]


def published(method: str, task: str, metric: str) -> Published | None:
    """What the paper gives for a method on a task, or None where it gives nothing for exactly that method.

    >>> published("pdr_loocc_l", "bbt", "accuracy")
    Published(value=0.6252, source='PDR table 1')
    """
    return load().attributed.get((method, _dataset_of(task), metric))


def unattributed(task: str, metric: str) -> tuple[Published, ...]:
    """Figures that the paper gives for its own method without naming the variant."""
    return load().unattributed.get((_dataset_of(task), metric), ())


def _dataset_of(task: str) -> str:
    """What files file a task's figures under: for a task on any dataset, `pcc:bbt`, the dataset."""
    return task.removeprefix("pcc:")


@cache
def load(folder: Path = PAPER_FOLDER) -> Figures:
    """Read every figure of a folder.

    Raises
    ------
    BenchError
        Where there is no file, a figure is not a number, or one figure has two values.
    """
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise BenchError(
            f"no published figures (*.csv) in {folder}: run from a checkout, installed with pip install -e ."
        )
    attributed: dict[tuple[str, str, str], Published] = {}
    unattributed: dict[tuple[str, str], tuple[Published, ...]] = {}
    for path in paths:
        for method, task, metric, figure in _figures(path):
            if UNATTRIBUTED in method:
                unattributed[task, metric] = (*unattributed.get((task, metric), ()), figure)
                continue
            key = (method.partition(" (")[0], task, metric)
            if attributed.setdefault(key, figure) != figure:
                raise BenchError(f"{path}: a second value for {'/'.join(key)}; keep one")
    return Figures(attributed, unattributed)


def _figures(path: Path) -> Iterator[tuple[str, str, str, Published]]:
    """(method, task, metric, figure) of one file; nothing from a file without tasks."""
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        columns = reader.fieldnames or []
        if "source" not in columns or not {"method", "encoder"} & set(columns):
            return
        if not {"task", "train_samples", "encoder"} & set(columns):
            return
        for line in reader:
            task = line["task"] if "task" in columns else path.stem
            if not task:
                continue
            method = line["method"] if "method" in columns else ENCODERS.get(line["encoder"])
            if method is None:
                known = ", ".join(ENCODERS)
                raise BenchError(
                    f"{path}, line {reader.line_num}: encoder {line['encoder']!r}, expected one of {known}"
                )
            for metric, text in _cells(line).items():
                if not text:
                    continue
                try:
                    value = float(text)
                except ValueError as error:
                    raise BenchError(f"{path}, line {reader.line_num}: {metric} is {text!r}, not a number") from error
                yield method, task, metric, Published(value, line["source"])


def _cells(line: dict[str, str]) -> dict[str, str]:
    """The figures of a line, as text, by metric."""
    if "quantity" in line:
        return {line["quantity"]: line["value"]}
    cells = {name: text for name, text in line.items() if name not in AXES}
    if "train_samples" not in line:
        return cells
    return {name.replace("_", f"_{line['train_samples']}_", 1): text for name, text in cells.items()}
