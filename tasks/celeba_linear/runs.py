"""The trainings behind celeba_linear: one per number of labelled images, on frozen features or with the encoder."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import nn

from datasets.base import Progress
from datasets.blocks import blocks
from datasets.packed import Matrix
from datasets.streams import generator, seed_for
from methods.learning import Trainer
from tasks.base import Model
from tasks.celeba_linear.config import REGULARISED, LinearConfig, Mode, metric
from tasks.celeba_linear.images import Items
from tasks.celeba_linear.probe import AttributeClassifier, logits_of, new_head, width_of
from tasks.celeba_linear.regularised import Probe, fit_probe

# Test images scored at once.
BLOCK = 256


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

    def frozen(self, features: Float[Matrix, "m d"]) -> dict[str, Float[np.ndarray, "t a"]]:
        """Log odds of the test images by heads on features, one row per frame, as they are, and by regularised probes.

        Memory holds the labelled rows and a block of test rows; the test rows are read once for all heads.
        """
        inputs = features[self.items.labelled]
        heads = {
            metric(count, "frozen"): self.train(nn.Identity(), features.shape[1], inputs, count, "frozen")
            for count in self.config.labels
        }
        probes = {metric(count, REGULARISED): self.probe(inputs, count) for count in self.config.labels}
        del inputs
        found: dict[str, list[np.ndarray]] = {name: [] for name in (*heads, *probes)}
        test = self.items.test
        starts = range(0, len(test), BLOCK)
        for start in self.progress.track(starts, total=len(starts), what="test frozen"):
            block = np.ascontiguousarray(features[test[start : start + BLOCK]])
            rows = torch.from_numpy(block).to(self.device)
            for name, head in heads.items():
                found[name].append(logits_of(head, rows))
            for name, probe in probes.items():
                found[name].append(probe.logits(block))
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
            tested = blocks(
                images,
                frames[self.items.test],
                BLOCK,
                device=self.device,
                progress=self.progress,
                what=f"test finetuned {count}",
            )
            found[metric(count, "finetuned")] = np.concatenate([logits_of(classifier, block) for _, block in tested])
        return found

    def probe(self, inputs: Float[np.ndarray, "l d"], count: int) -> Probe:
        """A regularised probe of the first `count` of the labelled images' features; people are held out whole where
        the dataset knows them."""
        labelled, units = self.items.labelled[:count], self.items.units
        probe = fit_probe(
            inputs[:count],
            self.items.attributes[labelled],
            generator(self.seed, REGULARISED, count),
            None if units is None else units.of(labelled),
        )
        self.summaries[f"{REGULARISED}_{count}"] = {"strength": probe.strength, "held_out_losses": list(probe.losses)}
        return probe

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
