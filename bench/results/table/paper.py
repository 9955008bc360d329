"""The paper's tables by name, declared: which tasks, which metrics, which rows; filled from records alone."""

import fnmatch
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bench.grid.catalogue import METHODS
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.table.build import build
from bench.results.table.check import one_code
from bench.results.table.model import Table
from bench.results.table.newest import newest
from datasets.errors import BenchError
from tasks.results import Caption

LEARNED = ("vqvae", "stylegan2_e4e", "ris", "pdr", "pdr_loocc_l", "pdr_loocc_lv")
# How the name of a row with a subset of its method's features goes on after the method's.
SUBSET = "[features="
CLUSTERING = ("bbt", "buffy", "rafdb", "celeba")


@dataclass(frozen=True)
class Definition:
    """A table: rows x (tasks x metrics).

    Attributes
    ----------
    tasks: the tasks, in order.
    metrics: the metrics of each task, secondary ones too, or patterns of their names.
    methods: rows that belong in it, besides the reference rows.
    subsets: whether the rows are not the methods themselves, but they with subsets of their features.
    caption: a sentence on columns that only this table has.
    """

    title: str
    tasks: tuple[str, ...]
    metrics: tuple[str, ...]
    methods: tuple[str, ...] = LEARNED
    references: bool = True
    subsets: bool = False
    caption: str = ""


PDR = ("pdr", "pdr_loocc_l", "pdr_loocc_lv")

TABLES = {
    "1": Definition("Clustering of people, emotions and attributes (PDR, table 1)", CLUSTERING, ("accuracy", "f1")),
    "2": Definition(
        "Attributes from few labels (PDR, table 2)",
        ("celeba_linear",),
        (
            *(f"accuracy_{count}_{mode}" for count in (100, 500, 1000) for mode in ("finetuned", "frozen")),
            *(f"accuracy_{count}_regularised" for count in (100, 500, 1000)),
        ),
        ("supervised_resnet18", *LEARNED),
    ),
    "3": Definition(
        "Segmentation of faces (PDR, table 3)",
        ("celeba_mask",),
        ("miou", "miou_top10", "pixel_accuracy"),
        ("unet_random_init", "pdr_unet_geometry", "pdr_unet_albedo", "pdr_unet_joint", "pdr_unet_joint_frozen"),
        references=False,
    ),
    "4": Definition("Clustering of cars (PDR, table 4)", ("shapenet_cars",), ("accuracy", "f1")),
    "nmi": Definition("Normalised mutual information (PDR, section 4.5)", CLUSTERING, ("nmi", "ami", "ari")),
    "pcc": Definition(
        "Correlation between a method's own groups of features, less is better (PDR, section 5)",
        ("pcc:buffy", "pcc:bbt"),
        ("mean_pcc",),
        ("stylegan2_e4e", "ris", *PDR),
    ),
    "subsets": Definition(
        "What leaving out scene parameters does to clusters of people as light and view move away",
        ("yaleb", "view_sweep"),
        ("accuracy", "ami", "accuracy@*", "ami@*", "lost"),
        PDR,
        references=False,
        subsets=True,
        caption="lost: AMI at the smallest angles less that at the largest.",
    ),
    "truth": Definition(
        "Scenes against the truth of drawn faces",
        ("truth", "truth_unmatched"),
        ("side_percent", "normal_deg", "light_deg", "view_aligned_deg", "albedo_rmse"),
        PDR,
    ),
    "disentanglement": Definition(
        "How far features are disentangled, against what faces were drawn from",
        ("disentanglement",),
        ("dci_*", "mig", "sap"),
    ),
    "finch": Definition(
        "FINCH at the number of classes",
        (*CLUSTERING, "shapenet_cars"),
        ("finch_nmi", "finch_purity"),
    ),
}


@dataclass(frozen=True)
class Filled:
    """A table, the records behind it, and the commands that would fill its missing cells."""

    name: str
    definition: Definition
    table: Table
    records: tuple[Record, ...]
    commands: tuple[str, ...]


def fill(name: str, records: Iterable[Record], profile: str | None = None, store: Store | None = None) -> Filled:
    """The table `name` from the newest record of each of its cells.

    Parameters
    ----------
    records: any records; those of other cells are passed over.
    profile: whose records to take; by default that of the newest record of the table's cells.
    store: where the records' arrays are (`bench.results.table.build.build`).

    Raises BenchError where there are none, or where they do not belong in one table: different code, data, profiles or
    protocols, or drawn data beside real.
    """
    definition = TABLES[name]
    own = [record for record in records if _belongs(record, definition)]
    if profile is None and own:
        profile = max(own, key=lambda record: record.ended).profile
    own = [record for record in own if record.profile == profile]
    if not own:
        raise BenchError(
            f"table {name}: no records" + (f" of profile {profile}" if profile else "") + f"; {_all(name)}"
        )
    found, older = newest(own)
    chosen = sorted(found, key=lambda r: (definition.tasks.index(r.task), r.section, r.all_seeds))
    one_code(chosen)
    chosen = [_with_secondary(record, definition) for record in chosen]
    table = build(
        chosen,
        store,
        columns=lambda names: _columns(names, definition),
        every_reference=definition.references,
    )
    commands = tuple(_missing(definition, chosen))
    table = replace(table, captions=(*table.captions, *older))
    return Filled(name, definition, table, tuple(chosen), commands)


def _with_secondary(record: Record, definition: Definition) -> Record:
    """The record with the table's own metrics, secondary ones too, and with its caption."""
    captions = [*record.captions, *([Caption(definition.caption)] if definition.caption else [])]
    every = {**record.metrics, **record.secondary}
    own = {name: value for name, value in every.items() if _matches(name, definition)}
    return record.model_copy(update={"metrics": own or every, "captions": captions})


def _matches(metric: str, definition: Definition) -> bool:
    return any(fnmatch.fnmatchcase(metric, pattern) for pattern in definition.metrics)


def _belongs(record: Record, definition: Definition) -> bool:
    if record.task not in definition.tasks:
        return False
    if definition.subsets:
        return record.method.partition(SUBSET)[0] in definition.methods and SUBSET in record.method
    references = [entry.name for entry in METHODS.baselines()] if definition.references else []
    return record.method in (*definition.methods, *references)


def _columns(names: Sequence[str], definition: Definition) -> list[str]:
    """The names of the table's own metrics, in its order; the first of a section that has none of them."""
    wanted = [name for pattern in definition.metrics for name in fnmatch.filter(names, pattern)]
    return list(dict.fromkeys(wanted)) or list(names[:1])


def _missing(definition: Definition, records: Sequence[Record]) -> Iterable[str]:
    """One command per task that lacks rows."""
    profile = records[0].profile
    for task in definition.tasks:
        there = [record.method for record in records if record.task == task and record.status != "failed"]
        if definition.subsets:
            there = [method.partition(SUBSET)[0] for method in there]
        if lacking := [method for method in definition.methods if method not in there]:
            yield f"python -m bench run --methods {_typed(definition, lacking)} --tasks {task} --profile {profile}"


def _all(name: str) -> str:
    definition = TABLES[name]
    methods, tasks = _typed(definition, definition.methods), ",".join(definition.tasks)
    return f"make them with python -m bench run --methods {methods} --tasks {tasks}"


def _typed(definition: Definition, methods: Sequence[str]) -> str:
    """Methods as `--methods` takes them."""
    return (
        "'" + ",".join(f"{method}{SUBSET}*]" for method in methods) + "'" if definition.subsets else ",".join(methods)
    )
