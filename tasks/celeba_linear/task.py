"""Classification of CelebA's 40 attributes from few labelled images (PDR section 4.4, table 2).

A head is trained on 100, 500 and 1,000 labelled images, with the encoder frozen and with the encoder trained along
("finetuned"), and tested on 6,000 others: an attribute counts as predicted where its probability is above one half.

What the paper leaves open is decided so. The head is one linear layer (the paper's "MLP projection head (i.e. linear
classifier)"; its released code has one layer). Batches are of 32 images; the incomplete last one of an epoch is left
out, other images in every epoch. Features are taken as they are, not standardised. Labelled images come from CelebA's
official training split, test images from its test split.

How good such a head is depends on the scale of the features and on how long it is trained: with random features it may
stay below the majority's answer, and it changes where features are multiplied by a number. So a second probe on the
frozen features stands beside it, standardised and regularised (`regularised`).
"""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, get_args

import numpy as np
from jaxtyping import Float, Int, UInt8

from datasets.errors import NotApplicable
from datasets.streams import generator
from tasks.base import EvaluationInputs, TaskConfig
from tasks.celeba_linear.config import REGULARISED, LinearConfig, Mode, metric
from tasks.celeba_linear.images import FewLabels
from tasks.celeba_linear.runs import Runs
from tasks.celeba_linear.scores import accuracy_intervals, accuracy_per_attribute, majority_accuracy, mean_accuracy
from tasks.metrics.attributes import average_precision, balanced_accuracy
from tasks.results import Caption, Metric, PerItem, Scores, reduced
from tasks.units import ARRAY


class CelebALinear(FewLabels):
    """Mean accuracy over attributes by number of labelled images, `accuracy_100_finetuned`, `accuracy_100_frozen`, ...,
    and of the regularised probe, `accuracy_100_regularised`, ...

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

    secondary = (
        Metric("balanced_accuracy_*", cites=("brodersen2010balanced",)),
        Metric("average_precision_*"),
    )

    def __init__(self, config: TaskConfig | None = None) -> None:
        super().__init__(config)
        self.metrics = (
            *(Metric(metric(count, mode)) for count in self.config.labels for mode in get_args(Mode)),
            *(Metric(metric(count, REGULARISED)) for count in self.config.labels),
        )

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Scores of both modes, or of the one that there is: no fine-tuning without a trainable encoder, and nothing
        frozen without features. Of each also the mean balanced accuracy and average precision over attributes.

        `predictions` has a row per test image: `frame` (its index in the dataset), `attributes` (int8: 0, 1, -1
        unknown), `person` where the dataset knows who it is, and for every metric the predicted attributes (uint8)
        under its name. Intervals resample people where they are known, or else images. `details` has among others the
        accuracy of each attribute, that of answering with the majority of the labelled images, and what was reduced.

        Raises NotApplicable where the method has neither features nor a trainable encoder.
        """
        dataset, frames = inputs.dataset, inputs.frames
        items = self.items(dataset, frames)
        runs = Runs(self.config, items, inputs.seed, inputs.trainer, inputs.device, inputs.progress)
        logits: dict[str, Float[np.ndarray, "t a"]] = {}
        absent = {}
        if inputs.has_features:
            logits.update(runs.frozen(inputs.features))
        else:
            absent["frozen"] = "the method has no features before labels train it"
        try:
            logits.update(runs.finetuned(inputs.model, dataset.images))
        except NotApplicable as error:
            absent["finetuned"] = str(error)
        if not logits:
            raise NotApplicable("; ".join(absent.values()))
        logits = {own.name: logits[own.name] for own in self.metrics if own.name in logits}
        predicted = {name: (values > 0).astype(np.uint8) for name, values in logits.items()}
        truth = items.attributes[items.test]
        units = None if items.units is None else items.units.of(items.test)
        usual = {
            count: majority_accuracy(items.attributes[items.labelled[:count]], truth) for count in self.config.labels
        }
        less = self.reduced(len(items.test))
        accuracies = {name: mean_accuracy(values, truth) for name, values in predicted.items()}
        return Scores(
            metrics=accuracies,
            secondary=_secondary(predicted, logits, truth),
            intervals=accuracy_intervals(predicted, truth, generator(inputs.seed, "bootstrap"), units=units),
            captions=[
                _majority_caption(usual),
                Caption(
                    "regularised: logistic regression on standardised frozen features, its strength chosen on held-out "
                    "labels."
                ),
                *([Caption("Intervals resample people, each with all their images.")] if units is not None else []),
                *reduced(less),
            ],
            notes=_below(accuracies, usual),
            predictions={
                "frame": frames[items.test],
                "attributes": truth,
                **({ARRAY: units.name} if units is not None else {}),
                **predicted,
            },
            per_item=PerItem("attribute_accuracy", groups=ARRAY if units is not None else ""),
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


def _below(accuracies: Mapping[str, float], usual: Mapping[int, float]) -> list[str]:
    """Of which scores a row does worse than an answer that takes no look at the image; a sentence for each, so that
    trainings and methods share them."""
    return [
        f"{name} is below the majority's answer"
        for name, value in accuracies.items()
        if value < usual[int(name.split("_")[1])]
    ]


def _secondary(
    predicted: Mapping[str, UInt8[np.ndarray, "n a"]],
    logits: Mapping[str, Float[np.ndarray, "n a"]],
    truth: Int[np.ndarray, "n a"],
) -> dict[str, float]:
    """Balanced accuracy and average precision, means over the attributes that are not the same on all test images;
    nothing where each is."""
    found = {}
    for name in predicted:
        count, mode = name.removeprefix("accuracy_").split("_")
        for kind, values in (
            ("balanced_accuracy", balanced_accuracy(predicted[name], truth)),
            ("average_precision", average_precision(logits[name], truth)),
        ):
            if not np.isnan(values).all():
                found[metric(int(count), mode, kind)] = float(np.nanmean(values))
    return found


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
