"""Classification of CelebA's 40 attributes from few labelled images (PDR section 4.4, table 2).

A head is trained on 100, 500 and 1,000 labelled images, with the encoder frozen and with the encoder trained along
("finetuned"), and tested on 6,000 others: an attribute counts as predicted where its probability is above one half.

What the paper leaves open is decided so. The head is one linear layer (the paper's "MLP projection head (i.e. linear
classifier)"; its released code has one layer). Batches are of 32 images; the incomplete last one of an epoch is left
out, other images in every epoch. Features are taken as they are, not standardised. Labelled images come from CelebA's
official training split, test images from its test split.
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, get_args

import numpy as np
from jaxtyping import Int, UInt8

from datasets.errors import NotApplicable
from datasets.streams import generator
from tasks.base import EvaluationInputs, TaskConfig
from tasks.celeba_linear.config import LinearConfig, Mode, metric
from tasks.celeba_linear.images import FewLabels
from tasks.celeba_linear.runs import Runs
from tasks.celeba_linear.scores import accuracy_intervals, accuracy_per_attribute, majority_accuracy, mean_accuracy
from tasks.results import Caption, Metric, PerItem, Scores, reduced


class CelebALinear(FewLabels):
    """Mean accuracy over attributes by number of labelled images, `accuracy_100_finetuned`, `accuracy_100_frozen`, ...

    Attributes that are unknown (-1, in the synthetic stand-in alone) are left out of losses and scores.
    """

    requires: ClassVar[frozenset[str]] = frozenset()
    uses: ClassVar[frozenset[str]] = frozenset({"features", "encoder"})
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
        self.metrics = tuple(Metric(metric(count, mode)) for count in self.config.labels for mode in get_args(Mode))

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Scores of both modes, or of the one that there is: no fine-tuning without a trainable encoder, and nothing
        frozen without features.

        `predictions` has a row per test image: `frame` (its index in the dataset), `attributes` (int8: 0, 1, -1
        unknown), and for every metric the predicted attributes (uint8) under its name. `details` has among others the
        accuracy of each attribute, that of answering with the majority of the labelled images, and what was reduced.

        Raises NotApplicable where the method has neither features nor a trainable encoder.
        """
        dataset, frames = inputs.dataset, inputs.frames
        items = self.items(dataset, frames)
        runs = Runs(self.config, items, inputs.seed, inputs.trainer, inputs.device, inputs.progress)
        predicted, absent = {}, {}
        if inputs.has_features:
            predicted.update(runs.frozen(inputs.features))
        else:
            absent["frozen"] = "the method has no features before labels train it"
        try:
            predicted.update(runs.finetuned(inputs.model, dataset.images))
        except NotApplicable as error:
            absent["finetuned"] = str(error)
        if not predicted:
            raise NotApplicable("; ".join(absent.values()))
        predicted = {own.name: predicted[own.name] for own in self.metrics if own.name in predicted}
        truth = items.attributes[items.test]
        usual = {
            count: majority_accuracy(items.attributes[items.labelled[:count]], truth) for count in self.config.labels
        }
        less = self.reduced(len(items.test))
        return Scores(
            metrics={name: mean_accuracy(values, truth) for name, values in predicted.items()},
            intervals=accuracy_intervals(predicted, truth, generator(inputs.seed, "bootstrap")),
            captions=[_majority_caption(usual), *reduced(less)],
            predictions={"frame": frames[items.test], "attributes": truth, **predicted},
            per_item=PerItem("attribute_accuracy"),
            details={
                "attributes": _by_attribute(dataset.classes["attributes"], predicted, truth),
                "majority_accuracy": {str(count): value for count, value in usual.items()},
                "test_images": len(items.test),
                "unknown": int(np.count_nonzero(truth < 0)),
                "trainings": runs.summaries,
                "not_applicable": absent,
                "reduced": less,
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


def _majority_caption(usual: Mapping[int, float]) -> Caption:
    """What answering every image alike scores, by the number of labelled images that tell the answer."""
    values = ", ".join(f"{{n{count}:.3f}} ({count})" for count in usual)
    return Caption(
        f"Giving every image the majority's answer among the labelled ones scores {values}.",
        {f"n{count}": value for count, value in usual.items()},
    )


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
