"""Clustering by identity as one nuisance grows: the angle of the light (Extended Yale B), or of the head."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int

from datasets.base import Dataset, shortened
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs
from tasks.clustering import base
from tasks.clustering.extras import SECONDARY as VERIFICATION
from tasks.clustering.lights import SUBSETS, subset_of
from tasks.clustering.rows import normalised
from tasks.clustering.ward import ward_clusters
from tasks.metrics.bootstrap import percentiles, unit_metrics, unit_weights
from tasks.metrics.clustering import chance_scores, clustering_metrics, contingency
from tasks.results import Caption, Curve, Interval, Metric, Scores
from tasks.units import OVER, units_of

# Truth is stored in single precision: an angle of 15 degrees is one up to here.
DIGITS = 3
# Drawn for each group, with its chance beside it.
DRAWN = ("ami", "accuracy")


class Sweep(base.Clustering):
    """Clusters all images by identity, and for the curve each group of images at a similar angle by itself.

    Attributes
    ----------
    axis: what the angle is of, with its unit.
    names: the groups, from small angles to large ones.
    """

    label_kind = "identity"
    metrics = base.IDENTITY
    secondary = (
        *base.SECONDARY,
        *VERIFICATION,
        replace(base.AMI, name="ami@*"),
        Metric("accuracy@*"),
        Metric("lost", higher_is_better=False, low=None, high=None, chance_corrected=True, cites=base.AMI.cites),
    )
    axis: ClassVar[str]
    names: ClassVar[tuple[str, ...]]

    @abstractmethod
    def groups(self, dataset: Dataset) -> Int[np.ndarray, " n"]:
        """The number of the group of each image of the dataset; -1 of none."""

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """As `Clustering`, over all images; and the AMI and the accuracy of each group by itself, `ami@0-12` and
        `accuracy@0-12`, with what of the AMI is `lost` from the first group to the last.

        Groups of different sizes have different accuracies by chance; AMI is 0 by chance whatever the sizes. Every
        group is resampled with the same people as the others.

        `predictions` has besides: `group`, the number of an image's group, and `group_cluster`, its cluster within it;
        -1 for images of no point of the curve. `details["curve"]` has the `axis`, and in `points` for each group its
        `name`, the number of `items` and of `clusters` (its people), `metrics`, `chance` (what random clusters of the
        same sizes score) and `intervals`. In a group with less than two items per person, clusters say nothing of
        people: it stands in `left_out` with the `reason`. `outside` counts images that are in no group.
        """
        dataset, features = inputs.dataset, inputs.features
        scores = super().evaluate(inputs)
        labels = scores.predictions["label"]
        number = np.where(labels < 0, -1, self.groups(dataset)[inputs.frames])
        outside = int(np.count_nonzero((labels >= 0) & (number < 0)))
        units = units_of(dataset, inputs.frames)
        assert units is not None, "images with the label identity show people"
        weights = unit_weights(units.count, generator(inputs.seed, "bootstrap", OVER))
        clusters = np.full(len(labels), -1, dtype=np.int64)
        points: list[dict[str, Any]] = []
        left_out: list[dict[str, Any]] = []
        drawn: list[dict[str, Float[np.ndarray, " r"]]] = []
        for index, name in enumerate(
            inputs.progress.track(self.names, total=len(self.names), what=f"{dataset.label}: curve")
        ):
            chosen = np.flatnonzero(number == index)
            people = len(np.unique(labels[chosen]))
            about = {"name": name, "items": len(chosen), "clusters": people}
            if reason := _too_few(len(chosen), people):
                left_out.append({**about, "reason": reason})
                number[chosen] = -1
                continue
            clusters[chosen] = ward_clusters(normalised(features[chosen], self.config.normalise), people)
            shape = (people, len(dataset.classes["identity"]))
            counts = contingency(clusters[chosen], labels[chosen], shape)
            drawn.append(unit_metrics(clusters[chosen], labels[chosen], units.among(chosen), counts, weights))
            rng = generator(inputs.seed, "chance", name)
            points.append(
                {
                    **about,
                    "metrics": {metric: float(value) for metric, value in clustering_metrics(counts).items()},
                    "chance": chance_scores(clusters[chosen], labels[chosen], shape, rng),
                    "intervals": {metric: asdict(own) for metric, own in percentiles(drawn[-1], OVER).items()},
                }
            )
        curve = {"axis": self.axis, "points": points, "left_out": left_out, "outside": outside}
        return replace(
            scores,
            secondary={**scores.secondary, **_secondary(points)},
            intervals={**scores.intervals, **_intervals(points, drawn)},
            captions=[*scores.captions, *_captions(points)],
            charts=[*self._curves(points), *scores.charts],
            predictions={**scores.predictions, "group": number, "group_cluster": clusters},
            details={**scores.details, "curve": curve},
        )

    def _curves(self, points: list[dict[str, Any]]) -> list[Curve]:
        """AMI and accuracy by group, each with a line of what chance gives; nothing where no group could be
        clustered."""
        if not points:
            return []
        names = tuple(point["name"] for point in points)
        found = []
        for metric in DRAWN:
            title = f"{metric} by {self.axis.partition(',')[0]}"
            values, chance = (tuple(point[kind][metric] for point in points) for kind in ("metrics", "chance"))
            bounds = ([point["intervals"][metric][end] for point in points] for end in ("low", "high"))
            low, high = (tuple(ends) for ends in bounds)
            found.append(Curve(title, self.axis, metric, names, values, low, high))
            found.append(Curve(title, self.axis, f"{metric} of random clusters", names, chance))
        return found

    def _truth(self, dataset: Dataset, name: str, width: int) -> Float[np.ndarray, "n w"]:
        """Ground truth of each image, in double precision."""
        if name not in dataset.truth:
            found = shortened(sorted(dataset.truth)) or "none"
            raise BenchError(f"{dataset.label}: this task needs the true {name} of each image; its truth is: {found}")
        truth = np.asarray(dataset.truth[name], dtype=np.float64)
        if truth.shape != (len(dataset), width):
            raise BenchError(f"{dataset.label}: its true {name} is {truth.shape}, expected {(len(dataset), width)}")
        return truth


class YaleB(Sweep):
    """Identities of Extended Yale B under directed light.

    The groups are its five subsets by the angle between light and camera axis, as its authors list them (`lights`).
    """

    dataset = "yaleb"
    axis = "light angle, degrees"
    names = tuple(SUBSETS)

    def groups(self, dataset: Dataset) -> Int[np.ndarray, " n"]:
        """From the light's azimuth and elevation in degrees."""
        return subset_of(self._truth(dataset, "light", 2))


class ViewSweep(Sweep):
    """Identities of heads turned to the left and right by up to 60 degrees.

    A group holds the yaws above its lower bound and up to its upper one; the first holds 0 too.
    """

    dataset = "view_sweep"
    axis = "yaw, degrees"
    bounds: ClassVar[tuple[int, ...]] = (15, 30, 45, 60)
    names = ("0-15", "15-30", "30-45", "45-60")

    def groups(self, dataset: Dataset) -> Int[np.ndarray, " n"]:
        """By the size of the rotation about the vertical axis, from rx, ry, rz (radians), tx, ty, tz."""
        yaw = np.round(np.degrees(np.abs(self._truth(dataset, "view", 6)[:, 1])), DIGITS)
        number = np.searchsorted(self.bounds, yaw, side="left")
        return np.asarray(np.where(number < len(self.bounds), number, -1))


def _secondary(points: list[dict[str, Any]]) -> dict[str, float]:
    """Each group's AMI and accuracy under its name, and what of the AMI is `lost` from the first to the last."""
    if not points:
        return {}
    found = {f"{metric}@{point['name']}": point["metrics"][metric] for metric in DRAWN for point in points}
    return {**found, "lost": points[0]["metrics"]["ami"] - points[-1]["metrics"]["ami"]}


def _intervals(points: list[dict[str, Any]], drawn: list[dict[str, Float[np.ndarray, " r"]]]) -> dict[str, Interval]:
    """The intervals of `_secondary`; every group was resampled with the same people."""
    if not points:
        return {}
    found = {
        f"{metric}@{point['name']}": Interval(**point["intervals"][metric]) for metric in DRAWN for point in points
    }
    return {**found, **percentiles({"lost": drawn[0]["ami"] - drawn[-1]["ami"]}, OVER)}


def _captions(points: list[dict[str, Any]]) -> list[Caption]:
    """What random clusters score by group, which is not the same for groups of different sizes."""
    if not points:
        return []
    named: Mapping[str, float] = {
        f"chance_{number}": point["chance"]["accuracy"] for number, point in enumerate(points)
    }
    values = ", ".join(f"{{{key}:.3f}} ({point['name']})" for key, point in zip(named, points, strict=True))
    return [Caption(f"Accuracy by group of random clusters of the same sizes: {values}; their AMI is 0.", named)]


def _too_few(items: int, people: int) -> str | None:
    """Why a group cannot be clustered by identity, if so."""
    if people < 2:
        return f"{items} items of {people} {'person' if people == 1 else 'people'}: expected at least two people"
    if items < 2 * people:
        return f"{items} items of {people} people: expected at least two items per person"
    return None
