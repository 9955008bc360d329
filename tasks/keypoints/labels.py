"""Images labelled with keypoints: as the drawing knows them, or as part maps of faces have them."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int, UInt8

from datasets.base import Dataset
from datasets.errors import BenchError
from tasks.few_shot_parts.labels import FewLabels, labelling_order
from tasks.interpreter.heat import PEAK, heat_maps
from tasks.keypoints.places import POINTS, keypoints_of

# Images whose heat is held at once in single precision.
BLOCK = 256


@dataclass(frozen=True)
class KeypointLabels(FewLabels):
    """Images labelled with the heat of each keypoint.

    Attributes
    ----------
    names: the keypoints'.
    sigma: deviation of the heat's Gaussians, in pixels of the dataset's images.
    placed: how the keypoints were placed, for a caption.
    """

    names: tuple[str, ...]
    sigma: float
    placed: str

    @classmethod
    def of(
        cls, dataset: Dataset, train: Int[np.ndarray, " m"], test: Int[np.ndarray, " t"], sigma: float, seed: int
    ) -> "KeypointLabels":
        """Labels drawn from the images `train` by the stream `seed`, and the images `test`.

        Raises BenchError where the dataset has neither keypoints (truth and classes of that name) nor part maps.
        """
        order = labelling_order(train, seed)
        if "keypoints" not in dataset.truth:
            if "parts" not in dataset.truth or "parts" not in dataset.classes:
                raise BenchError(
                    f"{dataset.label} has neither keypoints nor part maps by which they are placed (truth and classes "
                    "named keypoints or parts)"
                )
            return cls(dataset, order, test, POINTS, sigma, "keypoints are placed by part maps, nobody has marked them")
        names = dataset.classes.get("keypoints", ())
        shape, expected = dataset.truth["keypoints"].shape, (len(dataset), len(names), 3)
        if shape != expected:
            raise BenchError(
                f"{dataset.label}: keypoints are {shape}, expected {expected}: x, y and whether it is seen, of those "
                "that classes names"
            )
        return cls(dataset, order, test, names, sigma, "keypoints are where the drawing has them")

    def points(self, chosen: Int[np.ndarray, " n"]) -> tuple[Float[np.ndarray, "n k 2"], Bool[np.ndarray, "n k"]]:
        """The keypoints' places (x, y) in pixels, whose centres lie at whole numbers, and which are seen.

        Raises BenchError where part maps are not those of faces.
        """
        if "keypoints" not in self.dataset.truth:
            return keypoints_of(self.dataset.truth["parts"][chosen], self.dataset.classes["parts"], self.dataset.label)
        found = np.asarray(self.dataset.truth["keypoints"][chosen], dtype=np.float64)
        return found[..., :2], found[..., 2] > 0

    def heat(self, chosen: Int[np.ndarray, " n"]) -> Float[torch.Tensor, "n k s s"]:
        """The Gaussians around the keypoints."""
        places, seen = self.points(chosen)
        placed = torch.from_numpy(places.astype(np.float32))
        return heat_maps(placed, torch.from_numpy(seen), self.dataset.size, self.sigma)

    def labels(self, chosen: Int[np.ndarray, " n"]) -> UInt8[np.ndarray, "n s s k"]:
        """The heat in 255ths."""
        side = self.dataset.size
        found = np.empty((len(chosen), side, side, len(self.names)), np.uint8)
        for start in range(0, len(chosen), BLOCK):
            some = slice(start, start + BLOCK)
            found[some] = self.heat(chosen[some]).mul_(PEAK).round_().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        return found
