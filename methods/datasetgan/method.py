"""DatasetGAN as a method: a few labelled images in, thousands of generated ones out."""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import UInt8
from torch import Tensor, nn

from datasets.base import Progress
from datasets.errors import BenchError
from datasets.labelled import LabelledImages, Teaching, TrainingPairs
from datasets.palette import palette
from methods.base import Domain, ProtocolName
from methods.datasetgan.config import PROFILES, RELEASED, DatasetGANConfig
from methods.datasetgan.drawing import Drawn, Latents, draw, generated
from methods.datasetgan.filtering import kept
from methods.datasetgan.inversion import Inverted, invert
from methods.datasetgan.pictures import overlaid, sheet
from methods.pdr.unet import UNetEncoder, UNetPyramid
from methods.stylegan2.method import StyleGAN2E4E
from methods.stylegan2.taps import bounded_taps

# Images whose maps are handed to the teaching at once.
BATCH = 4
# Rows of a picture.
SHOWN = 8


class DatasetGAN(StyleGAN2E4E):
    """A generator whose activations are read by pixel classifiers, so that it labels what it draws.

    The weights are those of StyleGAN2 and e4e. Nobody labels generated images here: labelled images of a dataset are
    inverted into the generator, and the classifiers are taught by its activations there.
    """

    Config = DatasetGANConfig
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = PROFILES
    provides: ClassVar[frozenset[str]] = StyleGAN2E4E.provides | {"training_pairs", "pyramid"}
    cites: ClassVar[tuple[str, ...]] = ("zhang2021datasetgan", *StyleGAN2E4E.cites)
    shares = StyleGAN2E4E

    def __init__(self, config: DatasetGANConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        # Here, so that it starts from the stream of the method's other weights, of which it is none.
        self._unet = UNetEncoder(self.config.unet_width)

    @classmethod
    def for_protocol(cls, protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
        """The released code's choice of images, and its encoder's input."""
        return {**super().for_protocol(protocol, domain), **(RELEASED if protocol == "released" else {})}

    def pyramid(self) -> nn.Module:
        """An untrained U-Net's encoder: the network that the generated images are for."""
        return UNetPyramid([self._unet], frozen=False)

    def training_pairs(
        self,
        few: LabelledImages,
        every: Callable[[], LabelledImages],
        teach: Teaching,
        *,
        seed: int,
        progress: Progress,
        folder: Path,
    ) -> TrainingPairs:
        """Generated images and their labels, without those that are the least certain.

        Raises BenchError where no labelled image can be inverted.
        """
        settings: DatasetGANConfig = self.config
        started = time.perf_counter()
        inverted = invert(
            self.module,
            few.images,
            steps=settings.inversion_steps,
            rate=settings.inversion_rate,
            noise=settings.inversion_noise,
            progress=progress,
        )
        good = inverted.error <= settings.most_error
        if not good.any():
            raise BenchError(
                f"none of {len(few)} labelled images can be inverted into the generator: the least error is "
                f"{inverted.error.min():.4f}, at most {settings.most_error:g} is allowed; train the generator for "
                "longer, or set datasetgan.most_error"
            )
        side = few.images.shape[1]
        interpreter = teach(self._maps(inverted.only(good), side), few.parts[good])
        taught = time.perf_counter()
        drawn = draw(
            self.module,
            interpreter,
            settings.images,
            side,
            seed=seed,
            truncation=settings.truncation,
            scoring=settings.scoring,
            progress=progress,
            folder=folder,
        )
        left = kept(drawn.score, settings.dropped, settings.dropping)
        error = float(inverted.error[good].mean())
        return TrainingPairs(
            LabelledImages(drawn.images[left], drawn.parts[left]),
            notes=self._said(inverted, int((~good).sum()), error, len(left)),
            details={
                "inversion": {
                    "error": inverted.error.tolist(),
                    "encoder_error": inverted.encoder_error.tolist(),
                    "left_out": int((~good).sum()),
                },
                "generated": len(drawn.images),
                "kept": len(left),
                "uncertainty": float(drawn.score.mean()),
                "seconds": {"teach": taught - started, "draw": time.perf_counter() - taught},
            },
            pictures=self._pictures(few, inverted, drawn),
            uncertainty=drawn.score[left],
        )

    def _maps(self, inverted: Inverted, side: int) -> Iterator[list[Tensor]]:
        """The activations of inverted images, a few at a time."""
        with torch.no_grad():
            for start in range(0, len(inverted.w_plus), BATCH):
                some = slice(start, start + BATCH)
                noise = [one[some] for one in inverted.noise]
                yield bounded_taps(self.module.generator, inverted.w_plus[some], side, noise)

    def _said(self, inverted: Inverted, left_out: int, error: float, left: int) -> tuple[str, ...]:
        """Sentences on how the images came about."""
        settings: DatasetGANConfig = self.config
        found = [
            f"labelled images inverted with an RMS error of {error**0.5:.3f} of values in [0, 1] "
            f"({float(inverted.encoder_error.mean()) ** 0.5:.3f} by e4e alone)",
            f"U-Net trained on {left:,} of {settings.images:,} generated images",
        ]
        if left_out:
            found.append(f"{left_out} of {len(inverted.error)} labelled images left out: they do not invert")
        return tuple(found)

    @torch.no_grad()
    def _pictures(
        self, few: LabelledImages, inverted: Inverted, drawn: Drawn
    ) -> dict[str, tuple[UInt8[np.ndarray, "h w 3"], str]]:
        """The labelled images in the generator, and generated images from the most certain to the least."""
        side, some = few.images.shape[1], slice(0, SHOWN)
        given, labels = few.images[some], few.parts[some]
        made = generated(self.module, Latents(inverted.w_plus[some], [one[some] for one in inverted.noise]), side)
        by_score = np.argsort(drawn.score, kind="stable")
        shown = by_score[np.linspace(0, len(by_score) - 1, min(SHOWN, len(by_score))).astype(int)]
        images, parts = drawn.images[shown], drawn.parts[shown]
        return {
            "inversions": (
                sheet(given, made, overlaid(given, labels), overlaid(made, labels)),
                "Labelled images, their inversions, and the labels on both.",
            ),
            "generated": (
                sheet(images, palette(256)[parts], overlaid(images, parts)),
                "Generated images, their labels, and both: from the most certain to the least.",
            ),
        }
