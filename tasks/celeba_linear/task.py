"""Classification of CelebA's 40 attributes from few labelled images (PDR section 4.4, table 2).

A head is trained on 100, 500 and 1,000 labelled images, with the encoder frozen and with the encoder trained along
("finetuned"), and tested on 6,000 others: an attribute counts as predicted where its probability is above one half.

What the paper leaves open is decided so. The head is one linear layer (the paper's "MLP projection head (i.e. linear
classifier)"; its released code has one layer). Batches are of 32 images; the incomplete last one of an epoch is left
out, other images in every epoch. Features are taken as they are, not standardised. Labelled images come from CelebA's
official training split, test images from its test split.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, get_args

import numpy as np
from jaxtyping import Float, Int, UInt8

from datasets.base import Dataset, Progress
from datasets.errors import BenchError, NotApplicable
from datasets.packed import Matrix
from datasets.streams import generator
from methods.learning import Trainer
from tasks.base import Model, Scores, TaskConfig, TrainingTask
from tasks.celeba_linear.config import LinearConfig, Mode, metric
from tasks.celeba_linear.runs import Items, Runs
from tasks.celeba_linear.scores import accuracy_intervals, accuracy_per_attribute, majority_accuracy, mean_accuracy
from tasks.splits import images_of

# Labelled images are always chosen from so many, so that asking for fewer chooses among the same.
POOL = 1000


class CelebALinear(TrainingTask):
    """Mean accuracy over attributes by number of labelled images, `accuracy_100_finetuned`, `accuracy_100_frozen`, ...

    Attributes that are unknown (-1, in the synthetic stand-in alone) are left out of losses and scores.
    """

    Config: ClassVar[type[TaskConfig]] = LinearConfig
    dataset = "celeba"
    # What `--set` calls the task.
    settings: ClassVar[str] = "celeba_linear"
    # mini: the slowest row, ResNet-18, is fine-tuned at 160 images/s on one core (90 without bfloat16), PDR's encoders
    # of width 16 at 1,000. With 500 real photographs ResNet-18 reaches 0.825, 0.836 and 0.853 after 60, 120 and 240
    # steps, untrained PDR encoders 0.830, 0.840 and 0.848, and no more after the full 1,500 (0.836).
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"labels": (16,), "epochs": 2, "batch_size": 8, "test_images": 64},
        "mini": {"finetuning_steps": 200},
        "paper": {},
    }

    def __init__(self, config: TaskConfig | None = None) -> None:
        super().__init__(config)
        self.metrics = tuple(metric(count, mode) for count in self.config.labels for mode in get_args(Mode))

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """The pool that labelled images come from, and the test images; random, the same for every method.

        Raises BenchError where there are fewer training images than labelled ones are asked for, or no test image.
        """
        train, test, most = images_of(dataset, "train"), images_of(dataset, "test"), self.config.labels[-1]
        if len(train) < most:
            raise BenchError(
                f"{dataset.label} has {len(train)} training images, fewer than the {most} to be labelled: "
                f"ask for fewer by --set {self.settings}.labels=..."
            )
        pool = generator(seed, "labelled").permutation(train)[: max(most, POOL)]
        tested = generator(seed, "test").permutation(test)[: self.config.test_images]
        return np.sort(np.concatenate([pool, tested]))

    def evaluate(
        self,
        features: Float[Matrix, "n d"] | None,
        model: Callable[[], Model],
        dataset: Dataset,
        *,
        frames: Int[np.ndarray, " m"],
        seed: int,
        trainer: Trainer,
        device: str,
        progress: Progress,
    ) -> Scores:
        """Scores of both modes, or of the one that there is: no fine-tuning without a trainable encoder, and nothing
        frozen without features.

        `predictions` has a row per test image: `frame` (its index in the dataset), `attributes` (int8: 0, 1, -1
        unknown), and for every metric the predicted attributes (uint8) under its name. `details` has among others the
        accuracy of each attribute, that of answering with the majority of the labelled images, and what was reduced.

        Raises NotApplicable where the method has neither features nor a trainable encoder.
        """
        items = self._items(dataset, frames)
        runs = Runs(self.config, items, seed, trainer, device, progress)
        predicted, absent = {}, {}
        if features is not None:
            predicted.update(runs.frozen(features))
        else:
            absent["frozen"] = "the method has no features before labels train it"
        try:
            predicted.update(runs.finetuned(model, dataset.images))
        except NotApplicable as error:
            absent["finetuned"] = str(error)
        if not predicted:
            raise NotApplicable("; ".join(absent.values()))
        predicted = {name: predicted[name] for name in self.metrics if name in predicted}
        truth = items.attributes[items.test]
        return Scores(
            metrics={name: mean_accuracy(values, truth) for name, values in predicted.items()},
            intervals=accuracy_intervals(predicted, truth, generator(seed, "bootstrap")),
            predictions={"frame": frames[items.test], "attributes": truth, **predicted},
            details={
                "attributes": _by_attribute(dataset.classes["attributes"], predicted, truth),
                "majority_accuracy": {
                    str(count): majority_accuracy(items.attributes[items.labelled[:count]], truth)
                    for count in self.config.labels
                },
                "test_images": len(items.test),
                "unknown": int(np.count_nonzero(truth < 0)),
                "trainings": runs.summaries,
                "not_applicable": absent,
                "reduced": self.reduced(len(items.test)),
            },
        )

    def reduced(self, tested: int) -> list[str]:
        """Sentences on what is less than the paper's protocol."""
        config, paper = self.config, LinearConfig()
        found = []
        if config.epochs < paper.epochs:
            found.append(f"{config.epochs} epochs in place of the paper's {paper.epochs}")
        steps = config.finetuning_steps
        if steps is not None and steps < config.epochs * max(1, config.labels[-1] // config.batch_size):
            found.append(f"fine-tuning ends after {steps} steps, within the {config.epochs} epochs")
        if tested < paper.test_images:
            found.append(f"{tested:,} test images in place of the paper's {paper.test_images:,}")
        return found

    def _items(self, dataset: Dataset, frames: Int[np.ndarray, " m"]) -> Items:
        """The images in `frames`; labelled ones in an order that is random, and the same for the same images."""
        if "attributes" not in dataset.labels:
            raise BenchError(f"{dataset.label} has no labels named attributes to classify")
        attributes = np.asarray(dataset.labels["attributes"])[frames].astype(np.int8)
        pool, test = (np.flatnonzero(np.isin(frames, images_of(dataset, part))) for part in ("train", "test"))
        if not (attributes[test] >= 0).any():
            raise BenchError(f"{dataset.label}: no attribute of any test image is known")
        digest = hashlib.sha256(frames[pool].astype("<i8").tobytes()).hexdigest()
        order = generator(0, "celeba_linear", digest).permutation(pool)
        return Items(frames, attributes, order[: self.config.labels[-1]], test)


def _by_attribute(
    names: Sequence[str], predicted: Mapping[str, UInt8[np.ndarray, "n a"]], truth: Int[np.ndarray, "n a"]
) -> dict[str, dict[str, float]]:
    """Each attribute's accuracies, on how many test images it is known, and on which share of those it is present.

    Attributes that are known of none are left out.
    """
    known, present = (truth >= 0).sum(axis=0), (truth == 1).sum(axis=0)
    accuracies = {metric: accuracy_per_attribute(values, truth) for metric, values in predicted.items()}
    return {
        name: {
            **{metric: float(values[column]) for metric, values in accuracies.items()},
            "known": int(known[column]),
            "positive": float(present[column] / known[column]),
        }
        for column, name in enumerate(names)
        if known[column]
    }
