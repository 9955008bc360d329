"""Keypoints from a few labelled images: heat maps by DatasetGAN's ensemble on the maps of any method, or by a network.

As in DatasetGAN (Zhang et al., CVPR 2021) the classifiers become regressors of a Gaussian around each keypoint, their
heat maps are averaged, and a keypoint is found where its map is largest. A method that makes labelled images
(`training_pairs`) trains a network on such maps, any other is scored by the regressors on its own (`pixel_features`).
The Gaussian's width and the unit of the published thresholds are nowhere given. Here a deviation of 1 px at 64 px is
taken, and the thresholds 15, 10 and 5 as pixels of 512, the paper's working size: 1.9, 1.25 and 0.6 px at 64. Within
the last a keypoint may not be found though its pixel is: rounding to whole pixels costs up to 0.7.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float
from pydantic import Field

from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs, TaskConfig
from tasks.few_shot_parts.config import NetworkConfig
from tasks.few_shot_parts.few_shot import FewShot
from tasks.interpreter.teaching import HeatTeaching
from tasks.interpreter.training import Pace
from tasks.keypoints.finding import by_network, by_regressors, found_in_test
from tasks.keypoints.labels import KeypointLabels
from tasks.metrics.bootstrap import mean_interval, percentiles
from tasks.metrics.keypoints import correct, distances
from tasks.metrics.paired import keypoints as pck_statistic
from tasks.results import Caption, DetailTable, Interval, Metric, PerItem, Scores, reduced

# The side at which the published thresholds are taken to be in pixels, and that at which sigma is.
WORKING_SIDE, SIGMA_SIDE = 512, 64
THRESHOLDS = {"pck_loose": 15.0, "pck_middle": 10.0, "pck_tight": 5.0}


class KeypointConfig(NetworkConfig):
    """The protocol."""

    labelled_images: int = Field(16, gt=0, description="labelled images")
    train_images: int | None = Field(None, gt=0, description="training images at most that they are drawn from")
    test_images: int | None = Field(None, gt=0, description="test images at most, drawn at random; null: all")
    epochs: int = Field(100, gt=0, description="epochs of the regressors at most; they stop by themselves")
    sigma: float = Field(1.0, gt=0, description="deviation of the Gaussians in pixels of an image of 64 px")


class Keypoints(FewShot):
    """Squared error of heat maps, the share of keypoints found within three thresholds, and their mean distance."""

    Config: ClassVar[type[TaskConfig]] = KeypointConfig
    cites: ClassVar[tuple[str, ...]] = ("zhang2021datasetgan", "chen2017deeplab")
    metrics = (
        Metric("pck_loose"),
        Metric("pck_middle"),
        Metric("pck_tight"),
        Metric("l2_loss", higher_is_better=False, high=None),
        Metric("distance", higher_is_better=False, unit="px", high=None),
    )
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"labelled_images": 2, "train_images": 16, "test_images": 8, "epochs": 1, "steps": 4, "width": 4},
        "mini": {"train_images": 1000, "test_images": 200, "steps": 1000},
        "paper": {"network": "deeplab_v3"},
    }

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Learn from the labelled images among `frames`, score on those of the test split.

        `predictions` has of each test image `frame`, `found` (k, 2) and `distance` (k), NaN where a keypoint is not
        visible, and the thresholds in pixels under their metrics' names. `details["mean_place"]` has the scores of
        each keypoint's mean place in the labelled images, found without looking.

        Raises BenchError where the dataset has no part maps of faces, or no keypoint is visible.
        """
        config: KeypointConfig = self.config
        dataset, side = inputs.dataset, inputs.dataset.size
        labels = KeypointLabels.of(dataset, *self.parts_of(inputs), config.sigma * side / SIGMA_SIDE, inputs.seed)
        count = len(labels.first(config.labelled_images))
        places, visible = labels.points(labels.order[:count])
        true, seen = labels.points(labels.test)
        if not visible.any() or not seen.any():
            raise BenchError(
                f"{dataset.label}: no keypoint is visible in the labelled images, or none in the test images"
            )
        teach = HeatTeaching(Pace(epochs=config.epochs), inputs.seed, inputs.progress, "keypoint regressors")
        finder = by_network(labels, count, config, teach, inputs) or by_regressors(labels, count, teach, inputs)
        found, errors = found_in_test(finder, labels, inputs)
        apart = distances(found, true, seen)
        limits = {name: limit * side / WORKING_SIDE for name, limit in THRESHOLDS.items()}
        # A keypoint that no labelled image shows has no mean place: the middle of the image is as good as any.
        counts = visible.sum(axis=0)[:, None]
        usual = np.where(counts > 0, (places * visible[..., None]).sum(axis=0) / np.maximum(counts, 1), (side - 1) / 2)
        unseen = distances(np.broadcast_to(usual, true.shape), true, seen)
        kept = {"distance": apart, **{name: np.array([limit]) for name, limit in limits.items()}}
        return Scores(
            metrics={**_scores(apart, limits), "l2_loss": float(errors.mean())},
            intervals=_intervals(kept, errors, inputs.seed),
            captions=[
                Caption(
                    f"From {count} labelled images; {labels.placed}. Thresholds are 15, 10 and 5 px of {WORKING_SIDE}, "
                    f"here {', '.join(f'{limit:.2f}' for limit in limits.values())} px of {side}; l2_loss is the mean "
                    "square over the pixels of all heat maps, whose peaks are 1. Each keypoint's mean place in the "
                    "labelled images scores {pck_loose:.3f} (pck_loose), {pck_middle:.3f} (pck_middle), "
                    "{pck_tight:.3f} (pck_tight) and {distance:.2f} px.",
                    _scores(unseen, limits),
                ),
                *reduced(self.reduced(len(labels.order), len(labels.test))),
            ],
            notes=finder.notes,
            charts=[_table(apart, labels.names)],
            predictions={"frame": labels.test, "found": found, **kept},
            per_item=PerItem("keypoints"),
            pictures=finder.pictures,
            details={
                "mean_place": _scores(unseen, limits),
                "labelled": labels.order[:count].tolist(),
                "visible": {name: int(count) for name, count in zip(labels.names, seen.sum(axis=0), strict=True)},
                **finder.details,
            },
        )

    def reduced(self, trained: int, tested: int) -> list[str]:
        """Sentences on what is less than, or other than, the paper's protocol."""
        config, found = self.config, []
        if config.train_images is not None:
            found.append(f"labels drawn from {trained:,} training images")
        if config.test_images is not None:
            found.append(f"{tested:,} test images")
        if config.epochs < KeypointConfig().epochs:
            found.append(f"{config.epochs} epochs of the regressors at most")
        return [*found, *config.reduced]


def _scores(apart: Float[np.ndarray, "n k"], limits: Mapping[str, float]) -> dict[str, float]:
    """The metrics of distances."""
    found = {name: correct(apart, limit) for name, limit in limits.items()}
    return {**found, "distance": float(np.nanmean(apart))}


def _intervals(kept: Mapping[str, np.ndarray], errors: Float[np.ndarray, " t"], seed: int) -> dict[str, Interval]:
    """95 % intervals over resampled images."""
    rng, count = generator(seed, "bootstrap"), len(errors)
    score = pck_statistic(kept, tuple(THRESHOLDS))
    assert score is not None, "there are distances"
    weights = rng.multinomial(count, np.full(count, 1 / count), size=2000).astype(np.float64)
    return {**percentiles(score(weights), "items"), "l2_loss": mean_interval(errors, rng)}


def _table(apart: Float[np.ndarray, "n k"], names: tuple[str, ...]) -> DetailTable:
    """The mean distance of each keypoint."""
    rows = tuple(
        (name, ("never visible" if np.isnan(own).all() else f"{np.nanmean(own):.2f}",))
        for name, own in zip(names, apart.T, strict=True)
    )
    return DetailTable("mean distance of each keypoint", ("keypoint", "pixels"), rows)
