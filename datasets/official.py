"""How many items the complete official distributions hold, so that an incomplete copy is told from a complete one.

A count is of what the loader keeps: `images`, `tracks`, or the items of a part of the official split.
"""

import numpy as np
from jaxtyping import Int

from datasets.base import Dataset

# UTKFace: the aligned and cropped set. BBT and Buffy: tracks of the main people in the published label files (the PDR
# paper says 644 for BBT). CelebAMask-HQ by the official rule on the original index. Extended Yale B: 38 people under 64
# lights, less the images marked bad. ShapeNet cars have no official count of their own.
COUNTS: dict[str, dict[str, int]] = {
    "utkface": {"images": 23_708},
    "bbt": {"tracks": 643},
    "buffy": {"tracks": 568},
    "rafdb": {"train": 12_271, "test": 3_068},
    "celeba": {"train": 162_770, "val": 19_867, "test": 19_962},
    "celebamask": {"train": 24_183, "val": 2_993, "test": 2_824},
    "yaleb": {"images": 2_414},
}

# Where a paper counts otherwise.
REMARKS = {
    "bbt": "the published label file has 643 tracks of the five people; the PDR paper counts 644, as its stand-in has"
}


def counts(dataset: Dataset, frames: Int[np.ndarray, " m"] | None = None) -> dict[str, int]:
    """How many items a real dataset holds of each kind that is counted; nothing of another, or a drawn one.

    `frames`: the images that are used, by which parts of the official split are left out that none of them is of.
    """
    kinds = {} if dataset.synthetic else COUNTS.get(dataset.name, {})
    found = {kind: _count(dataset, kind) for kind in kinds}
    if frames is None or not kinds or "split" not in dataset.labels:
        return found
    used = {dataset.classes["split"][part] for part in np.unique(np.asarray(dataset.labels["split"])[frames])}
    return {kind: count for kind, count in found.items() if kind not in dataset.classes["split"] or kind in used}


def _count(dataset: Dataset, kind: str) -> int:
    if kind == "images":
        return len(dataset)
    if kind == "tracks":
        return len(dataset.track_names)
    return int((np.asarray(dataset.labels["split"]) == dataset.classes["split"].index(kind)).sum())
