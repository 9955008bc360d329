"""Rows beside those that render a scene anew: what an image is worth that shows no such thing."""

from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional as F

from datasets.base import Dataset, Progress
from datasets.blocks import to_float
from datasets.errors import BenchError, NotApplicable
from methods.base import Domain, MethodConfig
from methods.baselines import RawPixels

# The dataset that trains the models of each kind of object.
TRAINING: Mapping[Domain, str] = {"faces": "utkface", "cars": "shapenet_cars_train"}
# Training images that are looked through, at most; spread evenly over the dataset.
MOST = 4000
# Images are compared at this side, in pixels.
COMPARED = 16
# How many of the training images that look most alike say how an image is turned and lit, and among how many of those
# that are turned and lit as wanted the one that looks most alike is looked up.
ALIKE, WANTED = 10, 20
BLOCK = 250


class Unchanged(RawPixels):
    """The image itself, however it should have been moved. Its features are its pixels."""

    provides: ClassVar[frozenset[str]] = RawPixels.provides | {"novel_view", "relight"}

    def rerender(
        self, images: Float[Tensor, "b 3 h w"], *, yaw: float = 0.0, pitch: float = 0.0, light: float = 0.0
    ) -> Float[Tensor, "b 3 h w"]:
        """The images as they are."""
        return images


class TrainingMean(Unchanged):
    """The mean of all training images, whatever the image shows. Its features are the image's pixels."""

    def __init__(self, config: MethodConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self._derived: Mapping[str, Tensor] = {}

    @classmethod
    def derived_from(cls, domain: Domain) -> str:
        """The dataset that trains this kind of object's models."""
        return TRAINING[domain]

    def derive(self, dataset: Dataset, *, seed: int, progress: Progress) -> dict[str, Tensor]:
        """`mean` (3, s, s) in [0, 1]."""
        total: Float64[Tensor, "3 s s"] = torch.zeros(3, dataset.size, dataset.size, dtype=torch.float64)
        starts = range(0, len(dataset), BLOCK)
        for start in progress.track(starts, total=len(starts), what=f"mean of {dataset.label}"):
            total += to_float(dataset.images[start : start + BLOCK]).double().sum(dim=0)
        return {"mean": (total / len(dataset)).float()}

    def use(self, derived: Mapping[str, Tensor]) -> None:
        """Take the mean."""
        self._derived = derived

    def known(self, name: str) -> Tensor:
        """A tensor that was derived; a BenchError before there is one."""
        if name not in self._derived:
            raise BenchError(
                f"{type(self).__name__} knows no training images: `bench run` derives what it needs from "
                f"{TRAINING[self.domain]}; elsewhere give what derive() returns to use()"
            )
        return self._derived[name]

    def rerender(
        self, images: Float[Tensor, "b 3 h w"], *, yaw: float = 0.0, pitch: float = 0.0, light: float = 0.0
    ) -> Float[Tensor, "b 3 h w"]:
        """The same image for all."""
        return self.known("mean").expand(len(images), -1, -1, -1)


class Retrieval(TrainingMean):
    """The nearest training image that is turned and lit as wanted; its view and light are known, as no method's are.

    How an image is turned and lit is taken from the 10 training images that look most alike; the angles that are asked
    for are added to their mean. Of the 20 training images whose yaw, pitch and light's azimuth are nearest to that, in
    degrees, the one is given that looks most like the image: by Euclidean distance of both at 16 x 16 pixels.
    """

    def derive(self, dataset: Dataset, *, seed: int, progress: Progress) -> dict[str, Tensor]:
        """`images` uint8 (n, s, s, 3), `compared` (n, d), the same small and flat, and `angles` (n, 3) in degrees: yaw,
        pitch and the light's azimuth, in the signs of `rerender`. At most 4,000 training images.

        Raises NotApplicable where the dataset does not know views and lights: it was not drawn.
        """
        angles = _angles(dataset, self.domain)
        chosen = np.linspace(0, len(dataset) - 1, min(MOST, len(dataset))).astype(int)
        images = np.asarray(dataset.images[chosen])
        small = [_compared(to_float(images[start : start + BLOCK])) for start in range(0, len(images), BLOCK)]
        return {
            "images": torch.from_numpy(images),
            "compared": torch.cat(small),
            "angles": torch.from_numpy(angles[chosen]),
        }

    def rerender(
        self, images: Float[Tensor, "b 3 h w"], *, yaw: float = 0.0, pitch: float = 0.0, light: float = 0.0
    ) -> Float[Tensor, "b 3 h w"]:
        """A training image for each."""
        gallery, angles = self.known("images"), self.known("angles")
        apart = torch.cdist(_compared(images), self.known("compared"))
        alike = apart.topk(min(ALIKE, len(gallery)), largest=False).indices
        wanted = angles[alike].mean(dim=1) + angles.new_tensor([yaw, pitch, light])
        turned = torch.cdist(wanted, angles).topk(min(WANTED, len(gallery)), largest=False).indices
        nearest = turned.gather(1, apart.gather(1, turned).argmin(dim=1, keepdim=True))[:, 0]
        return gallery[nearest].permute(0, 3, 1, 2).float() / 255


def _compared(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
    """What images are compared by."""
    return F.interpolate(images, size=COMPARED, mode="area").flatten(1)


def _angles(dataset: Dataset, domain: Domain) -> Float64[np.ndarray, "n 3"]:
    """Yaw, pitch and the first light's azimuth of drawn images, in degrees."""
    if not {"view", "light"} <= dataset.truth.keys():
        raise NotApplicable(
            f"{dataset.label} does not say how its objects are turned and lit, which only drawn ones do"
        )
    view, light = (np.asarray(dataset.truth[name], dtype=np.float64) for name in ("view", "light"))
    if domain == "cars":  # the camera's azimuth and elevation, and the light's azimuth after its two strengths
        return np.stack([-view[:, 0], view[:, 1], light[:, 2]], axis=1)
    # Rotations about axes to the right and down, and the direction that light travels in.
    azimuth = np.arctan2(-light[:, 2], light[:, 4])
    return np.asarray(np.degrees(np.stack([-view[:, 1], view[:, 0], azimuth], axis=1)))
