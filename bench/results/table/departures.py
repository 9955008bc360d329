"""How a row was trained and tested where that is not as in the paper; its published figure is then not compared."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from bench.grid import layers
from bench.grid.catalogue import METHODS, TASKS
from bench.grid.request import validate
from bench.pipeline.records import DatasetInfo, Record
from datasets.official import COUNTS
from tasks.results import REDUCED

# The profile whose architectures, schedules and data are the paper's.
PAPER_PROFILE = "paper"
# Settings that do not make a method smaller: which weights are taken, and what draws, to the same numbers.
OPEN = ("weights", "renderer")
# What the items of the parts of an official split are called.
ITEMS = {"train": "training images", "val": "validation images", "test": "test images"}


def as_in_the_paper(record: Record) -> bool:
    """Whether a record's architecture, schedule, protocol and data are the paper's: its profile, no setting of the
    method's or the task's that is not the profile's (but for where weights lie and what renders), no less than the
    task's protocol, and all of the official sets that it was trained and tested on, as far as those are counted."""
    less = any(caption.text.startswith(REDUCED) for caption in record.captions) or record.details.get("reduced")
    return (
        record.profile == PAPER_PROFILE
        and not less
        and not any(_incomplete(info) for info in (record.dataset, record.training_dataset) if info is not None)
        and not _method_settings(record)
        and not _task_settings(record)
    )


def departures(records: Sequence[Record]) -> list[str]:
    """Sentences on a row: for how many steps and on how many images it was trained, and on how many items tested, where
    that is not as in the paper, or not known. None on a row that is tested on drawn data, which is marked as such.

    `records`: the row's finished ones.
    """
    real = [record for record in records if record.dataset is not None and not record.dataset.synthetic]
    sets = {record.training_dataset.digest: record.training_dataset for record in real if record.training_dataset}
    found: dict[str, None] = {}
    for digest, info in sets.items():
        own = [r for r in real if r.training_dataset is not None and r.training_dataset.digest == digest]
        if _incomplete(info) or info.synthetic or any(_other_schedule(record) for record in own):
            found[f"trained for {_steps([record.training for record in own])} on {_images(info)}"] = None
    for record in real:
        if record.dataset is not None and (items := _incomplete(record.dataset)):
            found[f"tested on {items}"] = None
    return list(found)


def _images(info: DatasetInfo) -> str:
    """How many images a method was trained on."""
    return _incomplete(info) or f"{info.images:,} {'drawn ' if info.synthetic else ''}images"


def _incomplete(info: DatasetInfo) -> str:
    """`45 tracks in place of bbt's 643`, or that it is not known; empty for a whole set, and for an uncounted one."""
    official = {} if info.synthetic else COUNTS.get(info.name, {})
    # What is one count of all images is known of every record.
    there = {"images": info.images} if [*official] == ["images"] else info.counts
    if not official:
        return ""
    if not there:
        return f"a part of {info.name} whose size is not known"
    return " and ".join(
        f"{count:,} {ITEMS.get(kind, kind)} in place of {info.name}'s {official[kind]:,}"
        for kind, count in there.items()
        if count != official[kind]
    )


def _steps(summaries: Sequence[Mapping[str, Any]]) -> str:
    """`2 steps`, `1,100 to 1,200 steps` of several trainings, `4 (gan) and 8 (e4e) steps` of one in stages."""
    stages: dict[str, list[int]] = {}
    for summary in summaries:
        for name, steps in _stages_of(summary):
            stages.setdefault(name, []).append(steps)
    if not stages:
        return "a number of steps that is not known"
    texts = []
    for name, counts in stages.items():
        span = " to ".join(f"{count:,}" for count in dict.fromkeys((min(counts), max(counts))))
        texts.append(f"{span} ({name})" if name else span)
    return f"{' and '.join(texts)} {'step' if texts == ['1'] else 'steps'}"


def _stages_of(summary: Mapping[str, Any]) -> Iterator[tuple[str, int]]:
    """The steps of a training, or of each of its stages."""
    if isinstance(steps := summary.get("steps"), int):
        yield "", steps
        return
    for name, stage in summary.items():
        if isinstance(stage, Mapping) and isinstance(steps := stage.get("steps"), int):
            yield name, steps


def _other_schedule(record: Record) -> bool:
    """Whether a training's schedule is not the paper's: no other profile's is, and no method's of one's own."""
    if record.profile != PAPER_PROFILE or record.method not in METHODS.entries():
        return True
    from methods.learning import Schedule

    fields = METHODS.get(record.method).load().Config.model_fields
    return any(isinstance(fields[name].default, Schedule) for name in _method_settings(record))


def _method_settings(record: Record) -> list[str]:
    """The settings of a method that are not those of its name in the paper's profile; for a method of several kinds of
    object the fewest."""
    from methods.base import Method, ProtocolName

    entry = METHODS.get(record.method)
    cls: type[Method] = entry.load()
    protocol: ProtocolName = "released" if record.protocol == "released" else "default"
    differing = []
    for domain in cls.domains:
        usual = layers.of_method(entry, cls, protocol, PAPER_PROFILE, domain)
        config = validate(cls.Config, usual, record.method)
        differing.append(_differing(config, record.method_config, but={*cls.Config.file_fields(), *OPEN}))
    return min(differing, key=len)


def _task_settings(record: Record) -> list[str]:
    """The settings of a task that are not those of its name in the paper's profile."""
    entry = TASKS.get(record.task)
    cls = entry.load()
    config = validate(cls.Config, layers.of_task(entry, cls, record.protocol, PAPER_PROFILE), record.task)
    return _differing(config, record.task_config, but={"folder"})


def _differing(config: BaseModel, values: Mapping[str, Any], but: set[str]) -> list[str]:
    """Names of the settings in `values` that are not what they are in `config`. What a record has no setting for is as
    it was."""
    expected = config.model_dump(mode="json")
    return [name for name, value in expected.items() if name not in but and values.get(name, value) != value]
