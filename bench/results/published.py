"""The figures that papers published, to stand beside ours; read from results/paper/*.csv.

Five shapes of file hold figures of a (method, task) pair: `method,task,<metric>,...,source` with one column
per metric, `quantity,method,task,value,source` with one figure per line, and, in a file named after its task,
`method,train_samples,<metric>_<mode>,...,source`, where the figures of 100 labelled images are those of the metric
`<metric>_100_<mode>`, or `encoder,<metric>,...,source`, where an encoder stands for a method, or
`method,test_set,...,<metric>,...,source`, of which those lines are a task's whose test set it is, as
`published_as="FILE/TEST SET"` in its registry entry says. A method that the paper calls otherwise says so there too. A
remark in brackets after the method's name, as in `vqvae (best baseline)`, is not part of the name.

`notes.csv` (`task,methods,metrics,note`) holds sentences on figures that a reader should not take for what they look
like; names within a field are apart by spaces.
"""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from bench.grid.catalogue import METHODS, TASKS
from datasets.errors import BenchError

PAPER_FOLDER = Path(__file__).parents[2] / "results" / "paper"

# How a file says that a paper gives a figure for "ours" without saying for which of its variants.
UNATTRIBUTED = "variant not stated"

# The file of sentences on figures.
NOTES = "notes.csv"

# Columns that hold no figure.
AXES = ("method", "task", "train_samples", "encoder", "source")
# Columns beside a test set's name that say more of it, or of how sure a figure is.
OF_TEST_SETS = ("test_set", "classes", "labelled_images", "miou_sd", "thresholds")


@dataclass(frozen=True)
class Published:
    """One published figure: its value, in the metric's own unit, and the place in the paper that gives it."""

    value: float
    source: str


@dataclass(frozen=True)
class Footnote:
    """A sentence on the figures that a paper gives for some methods and metrics on a task."""

    task: str
    methods: frozenset[str]
    metrics: frozenset[str]
    text: str


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
    found = load().attributed
    return next((found[method, name, metric] for name in _filed_as(task) if (method, name, metric) in found), None)


def unattributed(task: str, metric: str) -> tuple[Published, ...]:
    """Figures that the paper gives for its own method without naming the variant."""
    found = load().unattributed
    return next((found[name, metric] for name in _filed_as(task) if (name, metric) in found), ())


@cache
def footnotes(folder: Path = PAPER_FOLDER) -> tuple[Footnote, ...]:
    """The sentences on published figures; none without the file.

    Raises BenchError where one is of a figure that no file gives: a footnote that nobody would ever see.
    """
    path = folder / NOTES
    if not path.is_file():
        return ()
    found = []
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        for line in reader:
            note = Footnote(
                line["task"], frozenset(line["methods"].split()), frozenset(line["metrics"].split()), line["note"]
            )
            for method, metric in product(note.methods, note.metrics):
                if (method, note.task, metric) not in load(folder).attributed:
                    raise BenchError(f"{path}, line {reader.line_num}: no file gives {method}/{note.task}/{metric}")
            found.append(note)
    return tuple(found)


def _filed_as(task: str) -> tuple[str, ...]:
    """What files may file a task's figures under: its name and, for NAME:DATASET, the dataset.

    Other arguments are no names of the paper's: a user's folder may be called like one of its datasets.
    """
    head, _, argument = task.partition(":")
    entry = TASKS.entries().get(head)
    return (task, argument) if entry is not None and entry.argument == "dataset" else (task,)


@cache
def load(folder: Path = PAPER_FOLDER) -> Figures:
    """Read every figure of a folder.

    Raises
    ------
    BenchError
        Where there is no file, a figure is not a number, or one figure has two values.
    """
    ours = {entry.published_as or name: name for name, entry in METHODS.entries().items()}
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise BenchError(
            f"no published figures (*.csv) in {folder}: run from a checkout, installed with pip install -e ."
        )
    attributed: dict[tuple[str, str, str], Published] = {}
    unattributed: dict[tuple[str, str], tuple[Published, ...]] = {}
    for path in paths:
        for method, task, metric, figure in _figures(path, ours):
            if UNATTRIBUTED in method:
                unattributed[task, metric] = (*unattributed.get((task, metric), ()), figure)
                continue
            name = method.partition(" (")[0]
            key = (ours.get(name, name), task, metric)
            if attributed.setdefault(key, figure) != figure:
                raise BenchError(f"{path}: a second value for {'/'.join(key)}; keep one")
    return Figures(attributed, unattributed)


def _figures(path: Path, ours: Mapping[str, str]) -> Iterator[tuple[str, str, str, Published]]:
    """(method, task, metric, figure) of one file; nothing from a file without tasks.

    `ours`: the registry's names of methods, by what papers call them.
    """
    with path.open(encoding="utf-8", newline="") as handle:
        reader = csv.DictReader(handle)
        columns = reader.fieldnames or []
        if "source" not in columns or not {"method", "encoder"} & set(columns):
            return
        if not {"task", "train_samples", "encoder", "test_set"} & set(columns):
            return
        test_sets = {entry.published_as: name for name, entry in TASKS.entries().items() if entry.published_as}
        for line in reader:
            if "test_set" in columns:
                task = test_sets.get(f"{path.stem}/{line['test_set']}", "")
            else:
                task = line["task"] if "task" in columns else path.stem
            if not task:
                continue
            method = line["method"] if "method" in columns else ours.get(line["encoder"])
            if method is None:
                known = ", ".join(ours)
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
    cells = {name: text for name, text in line.items() if name not in (*AXES, *OF_TEST_SETS)}
    if "train_samples" not in line:
        return cells
    return {name.replace("_", f"_{line['train_samples']}_", 1): text for name, text in cells.items()}
