"""Parts by DatasetGAN's pixel classifiers on the maps of any method: the recipe of Baranchuk et al. (ICLR 2022)."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from datasets.base import Progress
from datasets.blocks import blocks
from datasets.errors import BenchError
from datasets.labelled import LabelledImages
from tasks.base import Model
from tasks.few_shot_parts.labels import Labels
from tasks.interpreter.teaching import PixelInterpreter, PixelTeaching, labelled_rows

# Images whose maps are held at once.
BLOCK = 4


def learn(
    model: Model, few: LabelledImages, teachings: Mapping[int, PixelTeaching], *, device: str, progress: Progress
) -> dict[int, PixelInterpreter]:
    """An interpreter for each number of labelled images, taught by the first of `few`; features are computed once."""
    chosen = np.arange(len(few))
    found = blocks(few.images, chosen, BLOCK, device=device, progress=progress, what="labelled images")
    rows = labelled_rows((maps_of(model, images) for _, images in found), *few.labels.shape[:2])
    pixels = few.labels[0].size
    return {count: teach.taught(rows[: count * pixels], few.labels[:count]) for count, teach in teachings.items()}


@torch.inference_mode()
def segment(
    model: Model, interpreters: Mapping[int, PixelInterpreter], labels: Labels, *, device: str, progress: Progress
) -> dict[int, UInt8[np.ndarray, "t s s"]]:
    """The test images' parts by each interpreter."""
    images, side = labels.dataset.images, labels.dataset.size
    found: dict[int, list[np.ndarray]] = {count: [] for count in interpreters}
    for _, block in blocks(images, labels.test, BLOCK, device=device, progress=progress, what="test"):
        maps = maps_of(model, block)
        for count, interpreter in interpreters.items():
            found[count].append(interpreter(maps, side)[0].cpu().numpy())
    return {count: np.concatenate(parts) for count, parts in found.items()}


@torch.no_grad()
def maps_of(model: Model, images: Float[Tensor, "b 3 s s"]) -> list[Float[Tensor, "b _ _ _"]]:
    """The maps of a method, to which no gradient goes.

    Raises BenchError where it gives anything but maps of the images with finite values.
    """
    maps: Any = model.pixel_features(images)
    name = f"{type(model).__name__}.pixel_features"
    listed = list(maps) if isinstance(maps, list | tuple) else []
    if not listed or not all(isinstance(one, Tensor) and one.ndim == 4 and len(one) == len(images) for one in listed):
        shapes = [tuple(getattr(one, "shape", ())) for one in listed]
        raise BenchError(f"{name} gave {shapes or type(maps).__name__}: expected maps ({len(images)}, c, h, w)")
    if not all(bool((one.abs() <= torch.finfo(torch.float16).max).all()) for one in listed):
        raise BenchError(f"{name} gave values that are not finite, or beyond 65,504, the largest of half precision")
    return listed
