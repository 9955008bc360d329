"""The trainings behind celeba_linear: one per number of labelled images, on frozen features or with the encoder."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Int8, UInt8
from torch import nn

from datasets.base import Progress
from datasets.packed import Matrix
from datasets.streams import seed_for
from methods.learning import Trainer
from tasks.base import Model
from tasks.celeba_linear.config import LinearConfig, Mode, metric
from tasks.celeba_linear.probe import AttributeClassifier, new_head, predict, width_of

# Test images scored at once.
BLOCK = 256


@dataclass(frozen=True)
class Items:
    """The task's images and what is known of them.

    Attributes
    ----------
    frames: index of each in the dataset, ascending (m,).
    attributes: of each: 0, 1, or -1 where unknown.
    labelled: rows of `frames`, the labelled images in their order: n of them are the first n.
    test: rows of `frames`, the test images.
    """

    frames: Int[np.ndarray, " m"]
    attributes: Int8[np.ndarray, "m a"]
    labelled: Int[np.ndarray, " l"]
    test: Int[np.ndarray, " t"]


@dataclass
class Runs:
    """Trains and tests classifiers; `summaries` collects what is worth keeping of each training."""

    config: LinearConfig
    items: Items
    seed: int
    trainer: Trainer
    device: str
    progress: Progress
    summaries: dict[str, dict[str, Any]] = field(default_factory=dict)

    def frozen(self, features: Float[Matrix, "m d"]) -> dict[str, UInt8[np.ndarray, "t a"]]:
        """Predictions for the test images by heads on features, one row per frame, as they are.

        Memory holds the labelled rows and a block of test rows; the test rows are read once for all heads.
        """
        inputs = features[self.items.labelled]
        heads = {
            metric(count, "frozen"): self.train(nn.Identity(), features.shape[1], inputs, count, "frozen")
            for count in self.config.labels
        }
        del inputs
        found: dict[str, list[np.ndarray]] = {name: [] for name in heads}
        for rows in self._blocks("test frozen"):
            block = features[rows]
            for name, head in heads.items():
                found[name].append(predict(head, block, self.device))
        return {name: np.concatenate(parts) for name, parts in found.items()}

    def finetuned(self, model: Callable[[], Model], images: UInt8[np.ndarray, "n s s 3"]) -> dict[str, np.ndarray]:
        """The same by classifiers trained together with their encoder, each from a fresh copy of it.

        `images` are the dataset's. Raises NotApplicable where the method has no trainable encoder.
        """
        found = {}
        frames = self.items.frames
        inputs = images[frames[self.items.labelled]]
        for count in self.config.labels:
            encoder = model().encoder().eval()
            width = width_of(encoder, inputs[0], self.device)
            classifier = self.train(encoder, width, inputs, count, "finetuned")
            blocks = self._blocks(f"test finetuned {count}")
            parts = [predict(classifier, images[frames[rows]], self.device) for rows in blocks]
            found[metric(count, "finetuned")] = np.concatenate(parts)
        return found

    def train(self, encoder: nn.Module, width: int, inputs: np.ndarray, count: int, mode: Mode) -> AttributeClassifier:
        """A classifier of features (b, width), trained on the first `count` of the labelled images' inputs."""
        targets = self.items.attributes[self.items.labelled[:count]]
        head = new_head(self.config.head, width, targets.shape[1], seed_for(self.seed, "head", mode, count))
        classifier = AttributeClassifier(encoder, head, self.config.learning_rate)
        name = f"{mode}_{count}"
        summary = self.trainer.train_supervised(
            classifier, inputs[:count], targets, self.config.schedule(mode), name=name
        )
        kept = ("steps", "epochs", "stopped_because", "seconds", "precision")
        self.summaries[name] = {key: summary[key] for key in kept}
        self.summaries[name]["loss"] = summary["curve"][-1]["train"]["loss"]
        return classifier

    def _blocks(self, what: str) -> Iterator[Int[np.ndarray, " b"]]:
        """Rows of `frames` of the test images, some at a time."""
        starts = range(0, len(self.items.test), BLOCK)
        for start in self.progress.track(starts, total=len(starts), what=what):
            yield self.items.test[start : start + BLOCK]
