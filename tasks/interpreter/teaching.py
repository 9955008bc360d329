"""From maps of labelled images to an interpreter of maps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float16, Shaped, UInt8
from torch import Tensor

from datasets.base import Progress
from datasets.errors import BenchError
from datasets.streams import seed_for
from tasks.interpreter.ensemble import Ensemble, new_ensemble
from tasks.interpreter.features import pixel_rows
from tasks.interpreter.heat import PEAK
from tasks.interpreter.training import Loss, Pace, cross_entropy, squared_error, train


@dataclass(frozen=True)
class PixelInterpreter:
    """An ensemble that was taught (`datasets.labelled.Interpreter`)."""

    ensemble: Ensemble

    def __call__(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]], side: int
    ) -> tuple[UInt8[Tensor, "b side side"], Float[Tensor, "b side side"]]:
        """The parts by majority vote, and the members' disagreement."""
        found = self.ensemble.judge(pixel_rows(maps, side))
        return found.label.view(-1, side, side), found.uncertainty.view(-1, side, side)


@dataclass(frozen=True)
class HeatInterpreter:
    """An ensemble that was taught keypoints' heat (`datasets.labelled.Interpreter`)."""

    ensemble: Ensemble

    def __call__(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]], side: int
    ) -> tuple[UInt8[Tensor, "b side side k"], Float[Tensor, "b side side"]]:
        """The mean heat of each keypoint in 255ths, and the members' variance."""
        heat, uncertainty = self.heat(maps, side)
        return heat.mul(PEAK).round().clamp(0, PEAK).to(torch.uint8), uncertainty

    def heat(
        self, maps: Sequence[Float[Tensor, "b _ _ _"]], side: int
    ) -> tuple[Float[Tensor, "b side side k"], Float[Tensor, "b side side"]]:
        """The mean heat, which may be below 0 and above 1, and the members' variance."""
        heat, uncertainty = self.ensemble.regress(pixel_rows(maps, side))
        return heat.view(-1, side, side, heat.shape[1]), uncertainty.view(-1, side, side)


@dataclass(frozen=True)
class PixelTeaching:
    """Teaches an ensemble by all pixels of labelled images (`datasets.labelled.Teaching`).

    Attributes
    ----------
    classes: that there are, whether a labelled image shows them or not.
    seed: the stream of initial weights and of the order of pixels.
    what: names the work for `progress`.
    """

    classes: int
    pace: Pace
    seed: int
    progress: Progress
    what: str

    def __call__(
        self, maps: Iterable[Sequence[Float[Tensor, "b _ _ _"]]], labels: UInt8[np.ndarray, "n s s"]
    ) -> PixelInterpreter:
        """An interpreter taught by maps of n images, some images at a time, and their part maps."""
        return self.taught(labelled_rows(maps, *labels.shape[:2]), labels)

    def taught(self, rows: Float16[Tensor, "pixels d"], parts: UInt8[np.ndarray, "n s s"]) -> PixelInterpreter:
        """The same of features that are there already. Raises BenchError where a part map holds no class's number."""
        if len(parts) and (highest := int(parts.max())) >= self.classes:
            raise BenchError(f"a part map holds {highest}, expected 0 to {self.classes - 1}, the classes' numbers")
        targets = torch.from_numpy(parts.astype(np.int64)).flatten().to(rows.device)
        return PixelInterpreter(trained(self, self.classes, rows, targets, cross_entropy))


@dataclass(frozen=True)
class HeatTeaching:
    """Teaches an ensemble the heat of keypoints (`datasets.labelled.Teaching`); attributes as of `PixelTeaching`."""

    pace: Pace
    seed: int
    progress: Progress
    what: str

    def __call__(
        self, maps: Iterable[Sequence[Float[Tensor, "b _ _ _"]]], labels: UInt8[np.ndarray, "n s s k"]
    ) -> HeatInterpreter:
        """An interpreter taught by maps of n images, some images at a time, and the heat of each pixel in 255ths."""
        rows = labelled_rows(maps, *labels.shape[:2])
        targets = torch.from_numpy(labels).flatten(0, 2).to(rows.device).float() / PEAK
        return HeatInterpreter(trained(self, labels.shape[-1], rows, targets, squared_error))


def trained(
    teaching: PixelTeaching | HeatTeaching,
    outputs: int,
    rows: Float16[Tensor, "pixels d"],
    targets: Shaped[Tensor, "pixels *k"],
    loss: Loss,
) -> Ensemble:
    """An ensemble with so many outputs, taught the targets of pixels."""
    ensemble = new_ensemble(rows.shape[1], outputs, seed_for(teaching.seed, "ensemble")).to(rows.device)
    train(
        ensemble,
        rows,
        targets,
        teaching.pace,
        seed=teaching.seed,
        progress=teaching.progress,
        what=teaching.what,
        loss=loss,
    )
    return ensemble


def labelled_rows(
    maps: Iterable[Sequence[Float[Tensor, "b _ _ _"]]], images: int, side: int
) -> Float16[Tensor, "pixels d"]:
    """The features of all pixels of `images` images, in half precision: 0.6 GB of 16 images of 64 px with 4,608 values.

    Raises BenchError where the maps are of another number of images.
    """
    whole: Tensor | None = None
    filled = 0
    for some in maps:
        rows = pixel_rows(some, side)
        if whole is None:
            # Filled in place: the parts and the whole together would take twice the memory.
            whole = rows.new_empty((images * side**2, rows.shape[1]))
        if rows.shape[1] != whole.shape[1] or filled + len(rows) > len(whole):
            raise BenchError(
                f"maps of {rows.shape[1]} channels of more than {images} images, or of others than the first maps' "
                f"{whole.shape[1]}: expected the same channels of {images} images in all"
            )
        whole[filled : filled + len(rows)] = rows
        filled += len(rows)
    if whole is None or filled < len(whole):
        raise BenchError(f"maps of {filled // side**2} images, expected those of {images}")
    return whole
