"""The ceiling of a clustering: features of an encoder that was trained with the labels of the task's own training part.

A method that has an encoder, but no features before labels train it, is trained here: its encoder with one linear layer
on all labelled images of the official training split. What is clustered are the encoder's values for the test images,
by the same protocol as everybody's features, so that the row says what the protocol gives to one who was told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.blocks import blocks, to_float
from datasets.errors import BenchError
from datasets.packed import Matrix
from datasets.streams import seed_for
from methods.learning import Losses, Schedule, SupervisedLearner
from tasks.base import EvaluationInputs
from tasks.clustering.rows import ClusteringConfig
from tasks.splits import images_of

# Test images encoded at once.
BLOCK = 256
Loss = Callable[[Tensor, Tensor], Tensor]
# Like a fine-tuning of celeba_linear, for twice as long: ResNet-18 is trained at 160 images/s on one core.
PROFILES: Mapping[str, Mapping[str, Any]] = {"smoke": {"taught_steps": 4}, "mini": {"taught_steps": 400}}


class TaughtConfig(ClusteringConfig):
    """How long an encoder is trained with labels, where a method has nothing before; the others are not concerned."""

    taught_epochs: int = Field(100, gt=0, description="epochs of a supervised method's training (the ceiling)")
    taught_steps: int | None = Field(None, gt=0, description="optimiser steps of it at most, within its epochs")
    taught_batch: int = Field(32, gt=0, description="images per step of it")
    taught_rate: float = Field(2e-4, gt=0, description="Adam's learning rate in it, celeba_linear's by default")

    @property
    def schedule(self) -> Schedule:
        """The training's schedule."""
        return Schedule(
            batch_size=self.taught_batch,
            learning_rate=self.taught_rate,
            max_epochs=self.taught_epochs,
            max_steps=self.taught_steps,
            flip=False,
            holdout=False,
        )


@dataclass(frozen=True)
class Encoded:
    """Features to cluster, and what a reader has to know of them.

    Attributes
    ----------
    features: one row per image of the task.
    notes: that labels trained them, if so.
    details: the training's summary, if there was one.
    """

    features: Float[Matrix, "n d"]
    notes: tuple[str, ...] = ()
    details: dict[str, Any] | None = None


class LabelClassifier(SupervisedLearner):
    """An encoder and one linear layer, trained together by Adam on a loss of logits and targets."""

    def __init__(self, encoder: nn.Module, head: nn.Module, loss: Loss, learning_rate: float) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head
        self.loss = loss
        self.learning_rate = learning_rate

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Adam on everything."""
        return {"classifier": torch.optim.Adam(self.parameters(), lr=self.learning_rate)}

    def forward(
        self, inputs: Shaped[Tensor, "b *shape"], targets: Shaped[Tensor, "b *target"], *, phase: str, step: int
    ) -> Losses:
        """The loss, in single precision."""
        features = self.encoder(inputs)
        with torch.autocast(features.device.type, enabled=False):
            return {"loss": self.loss(self.head(features.float()), targets)}


def class_loss(logits: Float[Tensor, "b c"], targets: Int[Tensor, " b"]) -> Float[Tensor, ""]:
    """Cross-entropy of one class per image."""
    return F.cross_entropy(logits, targets)


def encoded(
    inputs: EvaluationInputs,
    config: TaughtConfig,
    labels: Int[np.ndarray, "n *target"],
    outputs: int,
    loss: Loss,
) -> Encoded:
    """The features that images were encoded to beforehand; of a method without any, those of its encoder, trained here.

    Parameters
    ----------
    labels: of all images of the dataset, negative where unknown: (n,), or (n, a) of several each.
    outputs: number of logits.

    Raises
    ------
    NotApplicable
        Where the method has neither features nor an encoder.
    BenchError
        Where no image of the training split is labelled.
    """
    if inputs.has_features:
        return Encoded(inputs.features)
    encoder = inputs.model().encoder().eval()
    dataset = inputs.dataset
    training = images_of(dataset, "train")
    training = training[(labels[training] >= 0).reshape(len(training), -1).any(axis=1)]
    if not len(training):
        raise BenchError(f"{dataset.label}: no image of its training split is labelled, so nothing can be trained")
    with torch.no_grad():
        width = int(encoder(to_float(dataset.images[training[:1]], inputs.device)).shape[1])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed_for(inputs.seed, "head", "taught"))
        head = nn.Linear(width, outputs)
    classifier = LabelClassifier(encoder, head, loss, config.taught_rate)
    summary = inputs.trainer.train_supervised(
        classifier, dataset.images[training], labels[training], config.schedule, name="taught"
    )
    found = []
    with torch.inference_mode():
        for _, block in blocks(
            dataset.images,
            inputs.frames,
            BLOCK,
            device=inputs.device,
            progress=inputs.progress,
            what=f"{dataset.label}: encode as taught",
        ):
            found.append(encoder(block).float().cpu().numpy())
    kept = ("steps", "epochs", "stopped_because", "seconds", "precision")
    return Encoded(
        np.concatenate(found),
        (f"a ceiling: trained with the labels of the training split's {len(training):,} images",),
        {"images": len(training), **{name: summary[name] for name in kept}},
    )
