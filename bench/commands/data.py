"""`bench data describe` and `bench data verify`."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.execution.progress import RichProgress
from bench.grid.catalogue import DATASETS
from bench.grid.request import Options
from bench.pipeline.data import open_source
from bench.pipeline.store import Store
from bench.terminal import Terminal
from datasets.base import Dataset, Source, shortened
from datasets.errors import BenchError
from datasets.imagefiles import ImageFiles
from datasets.official import COUNTS, REMARKS, counts
from datasets.prepared import prepare
from datasets.tracklists import OTHERS

SIZE = 64
# Left out of complete distributions too.
EXPECTED = {OTHERS}


def data_command(
    name: str, *, verify: bool, data_root: Path | None, data: str | None, profile: str, store: Path
) -> int:
    """Decode a dataset at 64 pixels and say what is in it; `verify` also compares with the official distribution.

    Returns the exit code: 0, or 1 where `verify` finds files left out or another number of items.
    """
    console = Terminal()
    request = Options(
        methods="raw_pixels", tasks="bbt", profile=profile, data_root=data_root, data=data, device="cpu"
    ).request()
    if verify and request.data_root is None and ":" not in name:
        raise BenchError("nothing to verify without real datasets: name their folder by --data-root DIR")
    entry = DATASETS.get(name)
    if verify and not entry.target:
        raise BenchError(f"{name} has no real counterpart to verify: use describe")
    source = open_source(entry, request.data_root, request.profile.subset)
    with RichProgress(console) as progress:
        dataset = prepare(source, SIZE, Store(store).data, progress)
    for line in described(dataset):
        console.print(line, soft_wrap=True)
    if (remark := REMARKS.get(dataset.name)) is not None:
        console.print(f"  {remark}", soft_wrap=True)
    for line in left_out(source, dataset):
        console.print(line, soft_wrap=True)
    if not verify:
        return 0
    wrong = list(incomplete(dataset))
    for line in wrong:
        console.print(line, soft_wrap=True)
    whole = not wrong and set(dataset.skipped) <= EXPECTED
    if whole:
        what = "the complete official distribution" if dataset.name in COUNTS else "whole: nothing is left out"
        console.print(f"{dataset.label} is {what}")
    return 0 if whole else 1


def described(dataset: Dataset) -> Iterator[str]:
    """What a dataset holds, line by line."""
    yield f"{dataset.label}: {len(dataset)} images, decoded at {dataset.size} px, digest {dataset.digest[:16]}"
    if dataset.tracks is not None:
        frames = np.bincount(np.asarray(dataset.tracks))
        each = f"{frames.min()} to {frames.max()}" if frames.min() < frames.max() else str(frames.min())
        yield f"  {len(dataset.track_names)} tracks of {each} frames"
    for kind, labels in sorted(dataset.labels.items()):
        values = np.asarray(labels)
        names = dataset.classes.get(kind, ())
        if values.ndim == 2:
            known = values >= 0
            yield f"  {kind}: {values.shape[1]} columns, {known.any(axis=0).sum()} of them known"
        elif len(names) and values.max(initial=-1) < len(names):
            counts = np.bincount(values[values >= 0], minlength=len(names))
            listed = ", ".join(f"{name} {count}" for name, count in zip(names, counts, strict=True))
            yield f"  {kind}: {listed}" + (f", unknown {(values < 0).sum()}" if (values < 0).any() else "")
        else:
            yield f"  {kind}: {len(np.unique(values[values >= 0]))} different values"
    if dataset.truth:
        yield f"  ground truth: {', '.join(f'{n} {v.shape[1:]}' for n, v in sorted(dataset.truth.items()))}"


def left_out(source: Source, dataset: Dataset) -> Iterator[str]:
    """What could not be taken, by reason, with the first names."""
    names = source.listing.skipped if isinstance(source, ImageFiles) else {}
    for reason, count in sorted(dataset.skipped.items()):
        examples = f" ({shortened(names[reason])})" if reason in names else ""
        yield f"  left out, {reason}: {count}{examples}"


def incomplete(dataset: Dataset) -> Iterator[str]:
    """How a dataset's counts differ from the official ones."""
    for kind, found in counts(dataset).items():
        if found != (wanted := COUNTS[dataset.name][kind]):
            yield f"  {kind}: {found}, the official distribution has {wanted}"
