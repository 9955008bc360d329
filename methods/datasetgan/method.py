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
from methods.base import Domain, ProtocolName
from methods.datasetgan.config import PROFILES, RELEASED, DatasetGANConfig
from methods.datasetgan.drawing import Drawn, Latents, draw, generated
from methods.datasetgan.filtering import kept
from methods.datasetgan.inversion import invert
from methods.datasetgan.pictures import coloured, overlaid, sheet
from methods.datasetgan.samples import Samples, annotated
from methods.pdr.unet import UNetEncoder, UNetPyramid
from methods.stylegan2.method import StyleGAN2E4E
from methods.stylegan2.taps import bounded_taps

# Images whose maps are handed to the teaching at once.
BATCH = 4
# Rows of a picture.
SHOWN = 8


class DatasetGAN(StyleGAN2E4E):
    """A generator whose activations are read by pixel classifiers, so that it labels what it draws.

    The weights are those of StyleGAN2 and e4e. Labelled images of a dataset are inverted into the generator, and the
    classifiers are taught by its activations there; or, as in the paper, by samples that a person has annotated.

    Where labels and images disagree, of the 450 pairs that are left of 500 of the `mini` generator taught by 16 drawn
    faces: the outlines of skin, hair, nose and mouth follow the image, but eyes' labels are thrice too large and reach
    over lids and brows (1.7 % of the pixels, of drawn faces 0.55 %), in turned faces with wedges of background in them,
    and one is larger than the other; brows are hardly drawn and labelled as skin (0.03 % against 0.6 %), ears are
    labelled in every seventh image (0.01 % of the pixels against 0.3 %), hair beside the neck breaks off, and light
    hair, of which little was shown, has holes and specks outside. The least certain images are those that are drawn
    worst: bald, blond, turned or blurred ones.
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

        Raises BenchError where no labelled image can be inverted, or annotations are not what they should be.
        """
        settings: DatasetGANConfig = self.config
        started = time.perf_counter()
        side = few.images.shape[1]
        if settings.annotations is None:
            samples = self._inverted(few, progress)
        elif few.labels.ndim > 3:
            raise BenchError(
                f"datasetgan.annotations={settings.annotations}: masks of parts teach no keypoints: leave it out for "
                "this task"
            )
        else:
            samples = annotated(self.module, Path(settings.annotations), len(few), side)
        interpreter = teach(self._maps(samples.latents, side), samples.labels)
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
        return TrainingPairs(
            LabelledImages(drawn.images[left], drawn.labels[left]),
            notes=(*samples.notes, f"network trained on {len(left):,} of {settings.images:,} generated images"),
            details={
                **samples.details,
                "generated": len(drawn.images),
                "kept": len(left),
                "uncertainty": float(drawn.score.mean()),
                "seconds": {"teach": taught - started, "draw": time.perf_counter() - taught},
            },
            pictures={**samples.pictures, **_generated(drawn)},
            uncertainty=drawn.score[left],
        )

    def _inverted(self, few: LabelledImages, progress: Progress) -> Samples:
        """The labelled images in the generator, without those that do not invert.

        Raises BenchError where none does.
        """
        settings: DatasetGANConfig = self.config
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
        left_out = int((~good).sum())
        notes = [
            f"labelled images inverted with an RMS error of {float(inverted.error[good].mean()) ** 0.5:.3f} of values "
            f"in [0, 1] ({float(inverted.encoder_error.mean()) ** 0.5:.3f} by e4e alone)"
        ]
        if left_out:
            notes.append(f"{left_out} of {len(few)} labelled images left out: they do not invert")
        some, side = slice(0, SHOWN), few.images.shape[1]
        made = generated(self.module, Latents(inverted.w_plus[some], [one[some] for one in inverted.noise]), side)
        given, labels = few.images[some], few.labels[some]
        chosen = inverted.only(good)
        return Samples(
            Latents(chosen.w_plus, chosen.noise),
            few.labels[good],
            tuple(notes),
            {
                "inversion": {
                    "error": inverted.error.tolist(),
                    "encoder_error": inverted.encoder_error.tolist(),
                    "left_out": left_out,
                }
            },
            {
                "inversions": (
                    sheet(given, made, overlaid(given, labels), overlaid(made, labels)),
                    "Labelled images, their inversions, and the labels on both.",
                )
            },
        )

    def _maps(self, latents: Latents, side: int) -> Iterator[list[Tensor]]:
        """The activations of images, a few at a time."""
        with torch.no_grad():
            for start in range(0, len(latents.w_plus), BATCH):
                some = slice(start, start + BATCH)
                noise = [one[some] for one in latents.noise]
                yield bounded_taps(self.module.generator, latents.w_plus[some], side, noise)


def _generated(drawn: Drawn) -> dict[str, tuple[UInt8[np.ndarray, "h w 3"], str]]:
    """Generated images and their labels, for the eye."""
    by_score = np.argsort(drawn.score, kind="stable")
    shown = by_score[np.linspace(0, len(by_score) - 1, min(SHOWN, len(by_score))).astype(int)]
    images, labels = drawn.images[shown], drawn.labels[shown]
    text = "Generated images, their labels, and both: from the most certain to the least."
    return {"generated": (sheet(images, coloured(labels), overlaid(images, labels)), text)}
