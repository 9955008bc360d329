"""Segmentation of faces into 19 parts: CelebAMask-HQ (PDR section 4.7, table 3).

A U-Net's decoder is trained on a method's feature pyramid, together with it unless the method holds it fixed.

What the paper leaves open is decided so. As in the released code, batches are of 8 images, and Adam has rate 2e-4 and
decay rates (0.5, 0.999). The loss is the mean cross-entropy of all pixels; nothing is augmented, and the last epoch is
scored. The incomplete last batch of an epoch is left out, other images in every epoch. The decoder has 128, 64, 32 and
16 channels for all methods, however many their maps have. The official split gives 24,183 training and 2,824 test
images, where the paper counts 24,127 and 2,885.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Int, UInt8
from pydantic import Field

from datasets.base import Dataset
from datasets.blocks import blocks
from datasets.errors import BenchError
from datasets.streams import generator, seed_for
from methods.learning import Schedule
from tasks.base import EvaluationInputs, Task, TaskConfig
from tasks.celeba_mask.pictures import mask_picture
from tasks.celeba_mask.segmenter import Segmenter, channels_of, new_decoder, predict
from tasks.metrics.segmentation import (
    best_classes,
    confusions,
    intersection_over_union,
    segmentation_intervals,
    segmentation_metrics,
    usual_mask,
)
from tasks.results import Caption, DetailTable, Metric, PerItem, Scores, reduced
from tasks.splits import images_of

# The paper's numbers of training and test images, and how many test images the official split has.
PAPER_TRAIN, PAPER_TEST, OFFICIAL_TEST = 24_127, 2_885, 2_824

# Test images segmented at once.
BLOCK = 64
# Predicted masks are kept of as many test images as take so many bytes: 4,096 of 64 pixels.
MASK_BYTES = 2**24
# Rows of the contact sheet.
SHOWN = 8


class MaskConfig(TaskConfig):
    """The protocol; defaults are the paper's."""

    train_images: int | None = Field(None, gt=0, description="training images at most, drawn at random; null: all")
    test_images: int | None = Field(None, gt=0, description="test images at most, drawn at random; null: all")
    epochs: int = Field(20, gt=0, description="epochs of training")
    batch_size: int = Field(8, gt=0, description="images per optimiser step")
    learning_rate: float = Field(2e-4, gt=0, description="Adam's learning rate")
    width: int = Field(16, gt=0, description="channels of the decoder's finest level; every coarser one doubles them")


class CelebAMask(Task):
    """Mean IoU over classes, that of the ten best classes, and pixel accuracy, over all pixels of the test images."""

    Config = MaskConfig
    dataset = "celebamask"
    requires: ClassVar[frozenset[str]] = frozenset({"pyramid"})
    trains: ClassVar[bool] = True
    metrics = (Metric("miou"), Metric("miou_top10"), Metric("pixel_accuracy"))
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"train_images": 32, "test_images": 16, "epochs": 1, "width": 4},
        "mini": {"train_images": 1000, "test_images": 500, "epochs": 8},
        "paper": {},
    }

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """The training and the test images; where fewer are asked for, random ones, the same for every method."""
        config: MaskConfig = self.config
        train = generator(seed, "train").permutation(images_of(dataset, "train"))[: config.train_images]
        test = generator(seed, "test").permutation(images_of(dataset, "test"))[: config.test_images]
        return np.sort(np.concatenate([train, test]))

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Train on the images of the training split among `frames`, score those of the test split.

        `predictions` has a row per test image: `frame` (its index in the dataset), `confusion` (pixels by true and
        predicted class), and `mask`, its predicted parts (uint8), of the first ones where all take too much room.
        `details["iou"]` has each class by name, None where it is neither in the truth nor predicted; those,
        `details["absent"]`, are left out of the means. `details["usual_mask"]` has the scores of giving each pixel its
        most frequent class in the training images, which takes no look at the image.

        Raises BenchError where the dataset has no part maps or the method's pyramid is none, NotApplicable where the
        method has no pyramid.
        """
        dataset, frames = inputs.dataset, inputs.frames
        parts, classes = _parts(dataset)
        train, test = (frames[np.isin(frames, images_of(dataset, part))] for part in ("train", "test"))
        truth, labelled = (_checked(parts[rows], classes, dataset.label) for rows in (test, train))
        segmenter, summary = self._train(inputs, dataset.images[train], labelled, len(classes))
        tested = blocks(dataset.images, test, BLOCK, device=inputs.device, progress=inputs.progress, what="test")
        predicted = np.concatenate([predict(segmenter, images) for _, images in tested])
        counts = confusions(truth, predicted, len(classes))
        usual = np.broadcast_to(usual_mask(labelled, len(classes)), truth.shape)
        unseen = _scores(confusions(truth, usual, len(classes)))
        whole = counts.sum(axis=0)
        iou = intersection_over_union(whole)
        named = {name: None if np.isnan(value) else float(value) for name, value in zip(classes, iou, strict=True)}
        less = self.reduced(len(train), len(test))
        shown = np.linspace(0, len(test) - 1, min(SHOWN, len(test))).astype(int)
        return Scores(
            metrics=_scores(counts),
            intervals=segmentation_intervals(counts, generator(inputs.seed, "bootstrap")),
            captions=[_usual_mask_caption(unseen), *reduced(less)],
            charts=[_table(named)],
            predictions={
                "frame": test,
                "confusion": counts.astype(np.int32),
                "mask": predicted[: max(1, MASK_BYTES // predicted[0].size)],
            },
            per_item=PerItem("segmentation"),
            pictures={
                "masks": mask_picture(
                    dataset.images[test[shown]], truth[shown], predicted[shown], classes, test[shown].tolist()
                )
            },
            details={
                "iou": named,
                "absent": [name for name, value in named.items() if value is None],
                "top10": [classes[number] for number in best_classes(whole)],
                "usual_mask": unseen,
                "train_images": len(train),
                "test_images": len(test),
                "parameters": segmenter.parameter_counts(),
                "segmentation": summary,
                "reduced": less,
            },
        )

    def reduced(self, trained: int, tested: int) -> list[str]:
        """Sentences on what is less than, or other than, the paper's protocol."""
        config, paper = self.config, MaskConfig()
        found = []
        if trained < PAPER_TRAIN:
            found.append(f"{trained:,} training images in place of the paper's {PAPER_TRAIN:,}")
        if config.epochs < paper.epochs:
            found.append(f"{config.epochs} epochs in place of the paper's {paper.epochs}")
        if config.learning_rate != paper.learning_rate:
            found.append(f"learning rate {config.learning_rate:g} in place of {paper.learning_rate:g}")
        if tested < OFFICIAL_TEST:
            found.append(f"{tested:,} test images in place of the paper's {PAPER_TEST:,}")
        return found

    def _train(
        self,
        inputs: EvaluationInputs,
        images: UInt8[np.ndarray, "n s s 3"],
        parts: UInt8[np.ndarray, "n s s"],
        classes: int,
    ) -> tuple[Segmenter, dict[str, Any]]:
        """The trained segmenter, and what is worth keeping of its training."""
        config: MaskConfig = self.config
        pyramid = inputs.model().pyramid()
        channels = channels_of(pyramid, images[0], inputs.device)
        decoder = new_decoder(channels, classes, config.width, seed_for(inputs.seed, "decoder"))
        segmenter = Segmenter(pyramid, decoder, config.learning_rate)
        schedule = Schedule(
            batch_size=config.batch_size,
            learning_rate=config.learning_rate,
            max_epochs=config.epochs,
            flip=False,
            holdout=False,
        )
        summary = inputs.trainer.train_supervised(segmenter, images, parts, schedule, name="segment")
        kept = {name: summary[name] for name in ("steps", "epochs", "seconds", "precision", "images_per_second")}
        return segmenter, {**kept, "losses": [epoch["train"]["loss"] for epoch in summary["curve"]]}


def _parts(dataset: Dataset) -> tuple[UInt8[np.ndarray, "n s s"], tuple[str, ...]]:
    """The dataset's part maps, and the classes' names."""
    if "parts" not in dataset.truth or "parts" not in dataset.classes:
        raise BenchError(f"{dataset.label} has no part maps (truth and classes named parts) to learn to segment")
    parts, classes = dataset.truth["parts"], dataset.classes["parts"]
    if parts.dtype != np.uint8 or parts.shape != dataset.images.shape[:3]:
        raise BenchError(
            f"{dataset.label}: part maps are {parts.dtype} {parts.shape}, expected uint8 {dataset.images.shape[:3]}, "
            "one class per pixel"
        )
    return parts, classes


def _checked(parts: UInt8[np.ndarray, "n s s"], classes: tuple[str, ...], label: str) -> UInt8[np.ndarray, "n s s"]:
    """Part maps that hold no number but the classes'."""
    if (highest := int(parts.max())) >= len(classes):
        raise BenchError(f"{label}: a part map holds {highest}, expected 0 to {len(classes) - 1}, the classes' numbers")
    return parts


def _usual_mask_caption(scores: Mapping[str, float]) -> Caption:
    """What segmenting every image alike scores."""
    values = ", ".join(f"{{{name}:.3f}} ({name})" for name in scores)
    return Caption(f"Giving each pixel its most frequent class in the training images scores {values}.", scores)


def _table(iou: Mapping[str, float | None]) -> DetailTable:
    """The IoU of each class."""
    rows = tuple((name, ("absent" if value is None else f"{value:.2f}",)) for name, value in iou.items())
    return DetailTable("intersection over union of each part", ("part", "IoU"), rows)


def _scores(counts: Int[np.ndarray, "n c c"]) -> dict[str, float]:
    """The metrics of images' confusion matrices, summed."""
    return {name: float(value) for name, value in segmentation_metrics(counts.sum(axis=0)).items()}
