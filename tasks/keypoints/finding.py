"""What finds keypoints, learned from few labelled images: regressors of pixels, or a network on images that a method
makes of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor
from torch.nn import functional as F

from datasets.blocks import blocks
from datasets.errors import NotApplicable
from datasets.labelled import TrainingPairs
from datasets.streams import seed_for
from methods.learning import Losses
from tasks.base import EvaluationInputs, Picture
from tasks.celeba_mask.segmenter import Segmenter, finite_logits
from tasks.few_shot_parts.classify import BLOCK, maps_of
from tasks.few_shot_parts.config import NetworkConfig
from tasks.few_shot_parts.network import train_network
from tasks.interpreter.heat import PEAK, hottest
from tasks.interpreter.teaching import HeatTeaching
from tasks.keypoints.labels import KeypointLabels
from tasks.metrics.keypoints import heat_error


@dataclass(frozen=True)
class Finder:
    """Heat maps (b, k, s, s) of images in [0, 1] (b, 3, s, s), and what is to be said of how they were learned."""

    heat: Callable[[Tensor], Tensor]
    details: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    pictures: dict[str, Picture] = field(default_factory=dict)


class HeatNetwork(Segmenter):
    """The network that segments, with the logit of each keypoint's heat in place of each class's.

    Its loss is the cross-entropy, whose minimum is the mean heat as that of the squared error is: of maps that are 0
    nearly everywhere the squared error teaches nothing within thousands of steps.
    """

    def forward(
        self, inputs: Float[Tensor, "b 3 s s"], targets: UInt8[Tensor, "b s s k"], *, phase: str, step: int
    ) -> Losses:
        """Mean binary cross-entropy against the heat, whose labels are in 255ths."""
        logits = self.logits(inputs).permute(0, 2, 3, 1)
        with torch.autocast(logits.device.type, enabled=False):
            return {"loss": F.binary_cross_entropy_with_logits(logits.float(), targets.float() / PEAK)}


def by_network(
    labels: KeypointLabels, count: int, config: NetworkConfig, teach: HeatTeaching, inputs: EvaluationInputs
) -> Finder | None:
    """A network trained on the labelled images that the method gives; None where it gives none."""
    try:
        pairs: TrainingPairs = inputs.model().training_pairs(
            labels.first(count),
            labels.every,
            teach,
            seed=seed_for(inputs.seed, "pairs"),
            progress=inputs.progress,
            folder=inputs.folder / "pairs",
        )
    except NotApplicable:
        return None
    network, summary = train_network(
        inputs.model(),
        pairs.pairs,
        len(labels.names),
        config,
        HeatNetwork,
        seed=inputs.seed,
        device=inputs.device,
        trainer=inputs.trainer,
        name="network",
    )
    pictures = {name: Picture(pixels, text) for name, (pixels, text) in pairs.pictures.items()}
    details = {**pairs.details, "network": summary}
    return Finder(lambda images: finite_logits(network, images).float().sigmoid(), details, pairs.notes, pictures)


def by_regressors(labels: KeypointLabels, count: int, teach: HeatTeaching, inputs: EvaluationInputs) -> Finder:
    """Regressors of pixels on the method's maps."""
    model, few = inputs.model(), labels.first(count)
    own = blocks(few.images, np.arange(count), BLOCK, device=inputs.device, progress=inputs.progress, what="labelled")
    interpreter = teach((maps_of(model, images) for _, images in own), few.labels)

    def heat(images: Tensor) -> Tensor:
        found: Tensor = interpreter.heat(maps_of(model, images), labels.dataset.size)[0]
        return found.permute(0, 3, 1, 2)

    features = interpreter.ensemble.features
    return Finder(heat, {"features": features}, (f"{features:,} features of a pixel",))


@torch.inference_mode()
def found_in_test(
    finder: Finder, labels: KeypointLabels, inputs: EvaluationInputs
) -> tuple[Int[np.ndarray, "t k 2"], Float[np.ndarray, " t"]]:
    """Where each keypoint of the test images is found, and the squared error of each image's heat maps."""
    places, errors = list[np.ndarray](), list[float]()
    images = labels.dataset.images
    tested = blocks(images, labels.test, BLOCK, device=inputs.device, progress=inputs.progress, what="test")
    for _, block in tested:
        start = len(errors)
        maps = finder.heat(block).float()
        places.append(hottest(maps).cpu().numpy())
        wanted = labels.heat(labels.test[start : start + len(block)]).numpy()
        errors += [heat_error(one[None], other[None]) for one, other in zip(maps.cpu().numpy(), wanted, strict=True)]
    return np.concatenate(places), np.array(errors)
