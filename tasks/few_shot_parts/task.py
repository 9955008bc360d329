"""Parts of faces from a few labelled images, for every method that has maps of features or makes labelled images.

DatasetGAN (Zhang et al., CVPR 2021) labels 16 images by hand and has a generator draw a training set from them;
Baranchuk et al. (ICLR 2022) put the same classifiers of single pixels on the maps of any network. Both stand in one
table here: a method that gives labelled images (`training_pairs`) trains a U-Net or DeepLab-v3 on them, any other is
scored by ten pixel classifiers on its maps (`pixel_features`), with the published architecture, schedule and stopping
rule.

The few are drawn from the training images by the seed: more labels are the fewer ones and some others. All pixels of
them are trained on. Nothing is augmented. Classes come from the dataset, so that one that no labelled image shows is
there nevertheless.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, ClassVar

import numpy as np

from datasets.errors import NotApplicable
from datasets.labelled import TrainingPairs
from datasets.streams import generator, seed_for
from tasks.base import EvaluationInputs, Model, TaskConfig
from tasks.celeba_mask.pictures import mask_picture
from tasks.celeba_mask.segmenter import Segmenter
from tasks.few_shot_parts.classes import GUESSED
from tasks.few_shot_parts.classify import learn, segment
from tasks.few_shot_parts.config import FewShotConfig, PartsConfig
from tasks.few_shot_parts.few_shot import FewShot
from tasks.few_shot_parts.labels import Labels
from tasks.few_shot_parts.network import Checkpointed, Making, segment_by_network, train_network
from tasks.few_shot_parts.outcome import (
    Outcome,
    fold_details,
    fold_score,
    gains,
    iou_table,
    learning_curve,
    reading_caption,
    summed_scores,
)
from tasks.interpreter.teaching import PixelTeaching
from tasks.interpreter.training import Pace
from tasks.metrics.segmentation import (
    confusions,
    cross_validated,
    intersection_over_union,
    part_metrics,
    segmentation_intervals,
    usual_mask,
)
from tasks.results import Caption, Metric, PerItem, Picture, Scores, reduced

# Predicted masks are kept of as many test images as take so many bytes: 4,096 of 64 pixels.
MASK_BYTES = 2**24
# Rows of the contact sheet.
SHOWN = 8


class FewShotParts(FewShot):
    """Mean IoU over classes as DatasetGAN counts it and as this project does, and pixel accuracy."""

    Config: ClassVar[type[TaskConfig]] = FewShotConfig
    cites: ClassVar[tuple[str, ...]] = ("zhang2021datasetgan", "baranchuk2022ddpm", "chen2017deeplab")
    metrics = (Metric("miou"), Metric("miou_present"), Metric("pixel_accuracy"), Metric("miou_folds"))
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {
            "labelled_images": 2,
            "curve": (1,),
            "train_images": 16,
            "test_images": 8,
            "epochs": 1,
            "steps": 4,
            "width": 4,
        },
        "mini": {"train_images": 1000, "test_images": 200, "steps": 1000},
        "paper": {"network": "deeplab_v3"},
    }

    def labels(self, inputs: EvaluationInputs) -> Labels:
        """Which of the images are labelled and which are tested."""
        return Labels.of(inputs.dataset, *self.parts_of(inputs), self.config.classes, inputs.seed)

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Learn from the labelled images among `frames`, score on those of the test split.

        `predictions` has a row per test image: `frame`, `confusion` (pixels by true and predicted class), and `mask`,
        its predicted parts, of the first ones where all take too much room. `details["curve"]` has the metrics by
        number of labelled images, `details["enough"]` the number beyond which more gain nothing, `details["iou"]` each
        class by name, None where it is neither in the truth nor predicted, `details["labelled"]` the labelled images
        (indices), `details["learning"]` how it was learned.

        Raises BenchError where the dataset has no part maps or too few images, or the method's maps or pyramid are
        none.
        """
        config: PartsConfig = self.config
        labels = self.labels(inputs)
        few, classes = labels.first(config.labelled_images), len(labels.classes)
        model = inputs.model()
        outcome = self._by_network(model, labels, inputs) or self._by_classifiers(model, labels, inputs)
        truth = labels.labels(labels.test)
        counts = {count: confusions(truth, mask, classes) for count, mask in outcome.masks.items()}
        mask, main = outcome.masks[config.labelled_images], counts[config.labelled_images]
        intervals = {
            count: segmentation_intervals(own, generator(inputs.seed, "bootstrap"), metrics=part_metrics)
            for count, own in counts.items()
        }
        scores = {count: summed_scores(own) for count, own in counts.items()}
        usual = np.broadcast_to(usual_mask(few.labels, classes), truth.shape)
        unseen = summed_scores(confusions(truth, usual, classes))
        iou = intersection_over_union(main.sum(axis=0))
        named = {
            name: None if np.isnan(value) else float(value) for name, value in zip(labels.classes, iou, strict=True)
        }
        shown = np.linspace(0, len(labels.test) - 1, min(SHOWN, len(labels.test))).astype(int)
        images = inputs.dataset.images[labels.test[shown]]
        more = gains(counts, generator(inputs.seed, "gains"))
        return Scores(
            metrics={**scores[config.labelled_images], **fold_score(outcome)},
            intervals=intervals[config.labelled_images],
            captions=[
                reading_caption(unseen, config.labelled_images),
                *([Caption(GUESSED)] if config.classes == 8 else []),
                *reduced(self.reduced(len(labels.order), len(labels.test))),
            ],
            notes=outcome.notes,
            charts=[iou_table(named), learning_curve(scores, intervals), more.table],
            predictions={
                "frame": labels.test,
                "confusion": main.astype(np.int32),
                "mask": mask[: max(1, MASK_BYTES // mask[0].size)],
            },
            per_item=PerItem("parts"),
            pictures={
                "masks": mask_picture(images, truth[shown], mask[shown], labels.classes, labels.test[shown].tolist()),
                **outcome.pictures,
            },
            details={
                "iou": named,
                "absent": [name for name, value in named.items() if value is None],
                "enough": more.enough,
                "curve": {str(count): own for count, own in scores.items()},
                "labelled": labels.order[: config.labelled_images].tolist(),
                "usual_mask": unseen,
                "learning": dict(outcome.details),
                **fold_details(outcome),
            },
        )

    def reduced(self, trained: int, tested: int) -> list[str]:
        """Sentences on what is less than, or other than, the paper's protocol."""
        config, whole = self.config, PartsConfig()
        found = []
        if config.train_images is not None:
            found.append(f"labels drawn from {trained:,} training images")
        if config.test_images is not None:
            found.append(f"{tested:,} test images")
        if config.epochs < whole.epochs:
            found.append(f"{config.epochs} epochs of the pixel classifiers at most in place of {whole.epochs}")
        return [*found, *config.reduced]

    def _by_classifiers(self, model: Model, labels: Labels, inputs: EvaluationInputs) -> Outcome:
        """Parts by pixel classifiers on the method's maps."""
        config: PartsConfig = self.config
        device, progress = inputs.device, inputs.progress
        few = labels.first(max(config.counts))
        teachings = {count: self._teaching(count, labels, inputs) for count in config.counts}
        interpreters = learn(model, few, teachings, device=device, progress=progress)
        masks = segment(model, interpreters, labels, device=device, progress=progress)
        features = interpreters[config.labelled_images].ensemble.features
        return Outcome(masks, {"features": features}, (f"{features:,} features of a pixel",))

    def _teaching(self, count: int, labels: Labels, inputs: EvaluationInputs) -> PixelTeaching:
        """How an interpreter is taught by `count` labelled images."""
        pace, what = Pace(epochs=self.config.epochs), f"pixel classifiers, {count} labelled"
        return PixelTeaching(len(labels.classes), pace, inputs.seed, inputs.progress, what)

    def pairs(self, inputs: EvaluationInputs) -> tuple[Labels, TrainingPairs]:
        """The labelled images that a method's network is trained on, as `evaluate` has them, and which taught it.

        Raises NotApplicable where the method gives none.
        """
        config: PartsConfig = self.config
        labels = self.labels(inputs)
        return labels, self._pairs(inputs.model(), labels, config.labelled_images, inputs)

    def _pairs(self, model: Model, labels: Labels, count: int, inputs: EvaluationInputs) -> TrainingPairs:
        """The labelled images that a method gives of `count`."""
        return model.training_pairs(
            labels.first(count),
            labels.every,
            self._teaching(count, labels, inputs),
            seed=seed_for(inputs.seed, "pairs", count),
            progress=inputs.progress,
            folder=inputs.folder / f"pairs-{count}",
        )

    def _by_network(self, model: Model, labels: Labels, inputs: EvaluationInputs) -> Outcome | None:
        """Parts by a network trained on the labelled images that the method gives; None where it gives none."""
        config: PartsConfig = self.config
        masks: dict[int, np.ndarray] = {}
        found: dict[int, TrainingPairs] = {}
        learning: dict[str, Any] = {}
        folds: tuple[np.ndarray, np.ndarray] | None = None
        for count in config.counts:
            try:
                found[count] = self._pairs(model, labels, count, inputs)
            except NotApplicable:
                return None
            pairs = found[count].pairs
            # A method that takes all labels, however few are called labelled, need not train again.
            same = [other for other in masks if found[other].pairs is pairs]
            if same:
                masks[count] = masks[same[0]]
                continue
            segmenter, summary = train_network(
                inputs.model(),  # a fresh one: training changes its pyramid
                pairs,
                len(labels.classes),
                config,
                self._making(count, labels),
                seed=inputs.seed,
                device=inputs.device,
                trainer=inputs.trainer,
                name=f"network-{count}",
            )
            if isinstance(segmenter, Checkpointed):
                folds = cross_validated(segmenter.counts.cpu().numpy())
            learning[str(count)] = {**found[count].details, "network": summary}
            masks[count] = segment_by_network(
                segmenter, labels.dataset, labels.test, device=inputs.device, progress=inputs.progress
            )
        main = found[config.labelled_images]
        pictures = {name: Picture(pixels, text) for name, (pixels, text) in main.pictures.items()}
        return Outcome(masks, learning, main.notes, pictures, folds)

    def _making(self, count: int, labels: Labels) -> Making:
        """A segmenter; where the protocol chooses checkpoints on test images, one that looks at them."""
        config: PartsConfig = self.config
        if config.protocol != "released" or count != config.labelled_images:
            return Segmenter
        test = labels.pairs(labels.test)
        return partial(
            Checkpointed, images=test.images, truth=test.labels, classes=len(labels.classes), steps=config.steps
        )
