"""Keypoints of faces from a few labelled images: heat maps by DatasetGAN's ensemble on the maps of any method.

As in DatasetGAN (Zhang et al., CVPR 2021) the classifiers become regressors of a Gaussian around each keypoint, their
heat maps are averaged, and a keypoint is found where its map is largest. The Gaussian's width and the unit of the
published thresholds are nowhere given. Here a deviation of 1 px at 64 px is taken, and the thresholds 15 and 10 as
pixels of 512, the paper's working size: 1.9 and 1.25 px at 64. The third, 5, would be less than what rounding to whole
pixels costs, and is left out.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from pydantic import Field

from datasets.base import Dataset
from datasets.blocks import blocks
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs, Model, Task, TaskConfig
from tasks.few_shot_parts.classify import BLOCK, maps_of
from tasks.few_shot_parts.labels import Labels
from tasks.interpreter.ensemble import Ensemble
from tasks.interpreter.features import pixel_rows
from tasks.interpreter.heat import heat_maps, hottest
from tasks.interpreter.teaching import PixelTeaching, labelled_rows
from tasks.interpreter.training import Pace
from tasks.keypoints.places import POINTS, keypoints_of
from tasks.metrics.bootstrap import mean_interval, percentiles
from tasks.metrics.keypoints import correct, distances, heat_error
from tasks.metrics.paired import keypoints as pck_statistic
from tasks.results import Caption, DetailTable, Interval, Metric, PerItem, Scores, reduced
from tasks.splits import images_of

# The side at which the published thresholds are taken to be in pixels, and that at which sigma is.
WORKING_SIDE, SIGMA_SIDE = 512, 64
THRESHOLDS = {"pck_loose": 15.0, "pck_middle": 10.0}


class KeypointConfig(TaskConfig):
    """The protocol."""

    labelled_images: int = Field(16, gt=0, description="labelled images")
    train_images: int | None = Field(None, gt=0, description="training images at most that they are drawn from")
    test_images: int | None = Field(None, gt=0, description="test images at most, drawn at random; null: all")
    epochs: int = Field(100, gt=0, description="epochs of the regressors at most; they stop by themselves")
    sigma: float = Field(1.0, gt=0, description="deviation of the Gaussians in pixels of an image of 64 px")


class Keypoints(Task):
    """Squared error of heat maps, the share of keypoints found within two thresholds, and their mean distance."""

    Config: ClassVar[type[TaskConfig]] = KeypointConfig
    dataset = "celebamask"
    requires: ClassVar[frozenset[str]] = frozenset({"pixel_features"})
    # By a loop of the ensemble's own; so that scores count as those of a training, which they are.
    trains: ClassVar[bool] = True
    cites: ClassVar[tuple[str, ...]] = ("zhang2021datasetgan",)
    metrics = (
        Metric("pck_loose"),
        Metric("pck_middle"),
        Metric("l2_loss", higher_is_better=False, high=None),
        Metric("distance", higher_is_better=False, unit="px", high=None),
    )
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"labelled_images": 2, "train_images": 16, "test_images": 8, "epochs": 1},
        "mini": {"train_images": 1000, "test_images": 200},
        "paper": {},
    }

    def frames(self, dataset: Dataset, *, seed: int) -> Int[np.ndarray, " m"]:
        """The training images that labels are drawn from, and the test images, the same for every method."""
        config: KeypointConfig = self.config
        train = generator(seed, "train").permutation(images_of(dataset, "train"))[: config.train_images]
        test = generator(seed, "test").permutation(images_of(dataset, "test"))[: config.test_images]
        return np.sort(np.concatenate([train, test]))

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Learn from the labelled images among `frames`, score on those of the test split.

        `predictions` has of each test image `frame`, `found` (k, 2) and `distance` (k), NaN where a keypoint is not
        visible, and the thresholds in pixels under their metrics' names. `details["mean_place"]` has the scores of
        each keypoint's mean place in the labelled images, found without looking.

        Raises BenchError where the dataset has no part maps of faces, or no keypoint is visible.
        """
        config: KeypointConfig = self.config
        frames = inputs.frames
        train, test = (frames[np.isin(frames, images_of(inputs.dataset, part))] for part in ("train", "test"))
        labels = Labels.of(inputs.dataset, train, test, "all", inputs.seed)
        few, side = labels.first(config.labelled_images), inputs.dataset.size
        names, label = labels.classes, inputs.dataset.label
        places, visible = keypoints_of(few.parts, names, label)
        true, seen = keypoints_of(labels.parts(labels.test), names, label)
        if not visible.any() or not seen.any():
            raise BenchError(f"{label}: no keypoint is visible in the labelled images, or none in the test images")
        sigma = config.sigma * side / SIGMA_SIDE
        model = inputs.model()
        with torch.no_grad():
            order = np.arange(len(few))
            own = blocks(few.images, order, BLOCK, device=inputs.device, progress=inputs.progress, what="labelled")
            rows = labelled_rows((maps_of(model, images) for _, images in own), len(few), side)
        teaching = PixelTeaching(
            len(POINTS), Pace(epochs=config.epochs), inputs.seed, inputs.progress, "keypoint regressors"
        )
        ensemble = teaching.heat(rows, _heat(places, visible, side, sigma))
        found, errors = _predicted(model, ensemble, labels, true, seen, sigma, inputs)
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
                    f"From {config.labelled_images} labelled images; keypoints are placed by part maps, nobody has "
                    f"marked them. Thresholds are 15 and 10 px of {WORKING_SIDE}, here "
                    f"{limits['pck_loose']:.2f} and {limits['pck_middle']:.2f} px of {side}. Each keypoint's mean "
                    "place in the labelled images scores {pck_loose:.3f} (pck_loose), {pck_middle:.3f} (pck_middle) "
                    "and {distance:.2f} px: aligned faces hardly move.",
                    _scores(unseen, limits),
                ),
                *reduced(self.reduced(len(labels.test))),
            ],
            charts=[_table(apart)],
            predictions={"frame": labels.test, "found": found, **kept},
            per_item=PerItem("keypoints"),
            details={
                "mean_place": _scores(unseen, limits),
                "labelled": labels.order[: config.labelled_images].tolist(),
                "visible": {name: int(count) for name, count in zip(POINTS, seen.sum(axis=0), strict=True)},
                "features": ensemble.features,
            },
        )

    def reduced(self, tested: int) -> list[str]:
        """Sentences on what is less than the protocol without a profile's limits."""
        found = [] if self.config.test_images is None else [f"{tested:,} test images"]
        if self.config.epochs < KeypointConfig().epochs:
            found.append(f"{self.config.epochs} epochs of the regressors at most")
        return found


@torch.inference_mode()
def _predicted(
    model: Model,
    ensemble: Ensemble,
    labels: Labels,
    true: Float[np.ndarray, "t k 2"],
    seen: Bool[np.ndarray, "t k"],
    sigma: float,
    inputs: EvaluationInputs,
) -> tuple[Int[np.ndarray, "t k 2"], Float[np.ndarray, " t"]]:
    """Where each keypoint of the test images is found, and the squared error of each image's heat maps."""
    side, places, errors = labels.dataset.size, list[np.ndarray](), list[float]()
    images = labels.dataset.images
    found = blocks(images, labels.test, BLOCK, device=inputs.device, progress=inputs.progress, what="test")
    done = 0
    for _, block in found:
        heat = ensemble.mean_output(pixel_rows(maps_of(model, block), side))
        maps = heat.view(len(block), side, side, -1).permute(0, 3, 1, 2)
        places.append(hottest(maps).cpu().numpy())
        some = slice(done, done + len(block))
        wanted = _heat(true[some], seen[some], side, sigma).numpy()
        errors += [heat_error(one[None], other[None]) for one, other in zip(maps.cpu().numpy(), wanted, strict=True)]
        done += len(block)
    return np.concatenate(places), np.array(errors)


def _heat(
    places: Float[np.ndarray, "n k 2"], visible: Bool[np.ndarray, "n k"], side: int, sigma: float
) -> Float[torch.Tensor, "n k side side"]:
    """The Gaussians around keypoints."""
    return heat_maps(torch.from_numpy(places.astype(np.float32)), torch.from_numpy(visible), side, sigma)


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


def _table(apart: Float[np.ndarray, "n k"]) -> DetailTable:
    """The mean distance of each keypoint."""
    rows = tuple(
        (name, ("never visible" if np.isnan(own).all() else f"{np.nanmean(own):.2f}",))
        for name, own in zip(POINTS, apart.T, strict=True)
    )
    return DetailTable("mean distance of each keypoint", ("keypoint", "pixels"), rows)
