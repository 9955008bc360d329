"""Clustering by identity as one nuisance grows: the angle of the light (Extended Yale B), or of the head."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float

from datasets.base import Dataset, shortened
from datasets.errors import BenchError
from datasets.streams import generator
from tasks.base import EvaluationInputs
from tasks.clustering import finch
from tasks.clustering.base import Clustering
from tasks.clustering.ward import ward_clusters
from tasks.metrics.bootstrap import bootstrap_intervals
from tasks.metrics.clustering import clustering_metrics, contingency
from tasks.results import Curve, Interval, Metric, Scores

# Truth is stored in single precision: an angle of 12 degrees is one up to here.
DIGITS = 3


@dataclass(frozen=True)
class Group:
    """Images with low < angle <= high in degrees; the first group also has those at `low`."""

    low: int
    high: int

    @property
    def name(self) -> str:
        """As in `12-25`."""
        return f"{self.low}-{self.high}"


class Sweep(Clustering):
    """Clusters all images by identity, and for the curve each group of images at a similar angle by itself.

    Attributes
    ----------
    axis: what the angle is of, with its unit.
    edges: the groups' bounds in degrees, ascending from 0.
    """

    label_kind = "identity"
    secondary = (*finch.METRICS, Metric("accuracy@*"), Metric("lost", higher_is_better=False, low=-1.0))
    axis: ClassVar[str]
    edges: ClassVar[tuple[int, ...]]

    @abstractmethod
    def angles(self, dataset: Dataset) -> Float[np.ndarray, " n"]:
        """The angle of each image of the dataset in degrees, at least 0."""

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """As `Clustering`, over all images; and the accuracy of each group by itself, `accuracy@0-12`, with what is
        `lost` from the first group to the last.

        `predictions` has besides: `group`, the number of an image's group, and `group_cluster`, its cluster within it;
        -1 for images of no point of the curve. `details["curve"]` has the `axis`, and in `points` for each group
        `name`, `low`, `high`, the number of `items` and of `clusters` (its people), `metrics`, and `intervals`. In a
        group with less than two items per person, clusters say nothing of people: it stands in `left_out` with the
        `reason`. `outside` counts images whose angle is in no group.
        """
        dataset, features = inputs.dataset, inputs.features
        scores = super().evaluate(inputs)
        labels = scores.predictions["label"]
        angles = np.round(self.angles(dataset)[inputs.frames], DIGITS)
        groups = [Group(low, high) for low, high in zip(self.edges, self.edges[1:], strict=False)]
        number = np.searchsorted(self.edges[1:], angles, side="left")
        number[(labels < 0) | (number == len(groups))] = -1
        clusters = np.full(len(labels), -1, dtype=np.int64)
        points: list[dict[str, Any]] = []
        left_out: list[dict[str, Any]] = []
        tracked = inputs.progress.track(groups, total=len(groups), what=f"{dataset.label}: curve")
        for index, group in enumerate(tracked):
            chosen = np.flatnonzero(number == index)
            people = len(np.unique(labels[chosen]))
            about = {"name": group.name, **asdict(group), "items": len(chosen), "clusters": people}
            if reason := _too_few(len(chosen), people):
                left_out.append({**about, "reason": reason})
                number[chosen] = -1
                continue
            clusters[chosen] = ward_clusters(features[chosen], people)
            counts = contingency(clusters[chosen], labels[chosen], (people, len(dataset.classes["identity"])))
            intervals = bootstrap_intervals(counts, "items", generator(inputs.seed, "bootstrap", group.name))
            points.append(
                {
                    **about,
                    "metrics": {name: float(value) for name, value in clustering_metrics(counts).items()},
                    "intervals": {name: asdict(interval) for name, interval in intervals.items()},
                }
            )
        outside = int(np.count_nonzero((labels >= 0) & (angles > self.edges[-1])))
        curve = {"axis": self.axis, "points": points, "left_out": left_out, "outside": outside}
        accuracies = {point["name"]: point["metrics"]["accuracy"] for point in points}
        bounds = {point["name"]: Interval(**point["intervals"]["accuracy"]) for point in points}
        return replace(
            scores,
            secondary={**scores.secondary, **_secondary(accuracies)},
            intervals={**scores.intervals, **{f"accuracy@{name}": interval for name, interval in bounds.items()}},
            charts=[*self._curves(accuracies, bounds), *scores.charts],
            predictions={**scores.predictions, "group": number, "group_cluster": clusters},
            details={**scores.details, "curve": curve},
        )

    def _curves(self, accuracies: Mapping[str, float], bounds: Mapping[str, Interval]) -> list[Curve]:
        """The accuracy by group as a chart; nothing where no group could be clustered."""
        if not accuracies:
            return []
        return [
            Curve(
                f"accuracy by {self.axis.partition(',')[0]}",
                self.axis,
                "accuracy",
                tuple(accuracies),
                tuple(accuracies.values()),
                tuple(interval.low for interval in bounds.values()),
                tuple(interval.high for interval in bounds.values()),
            )
        ]

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

    The groups are its five subsets by the angle between light and camera axis (Georghiades et al., 2001; Lee et al.,
    2005).
    """

    dataset = "yaleb"
    axis = "light angle, degrees"
    edges = (0, 12, 25, 50, 77, 180)

    def angles(self, dataset: Dataset) -> Float[np.ndarray, " n"]:
        """From the light's azimuth and elevation in degrees."""
        azimuth, elevation = np.radians(self._truth(dataset, "light", 2)).T
        cosine = np.cos(azimuth) * np.cos(elevation)
        return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


class ViewSweep(Sweep):
    """Identities of heads turned to the left and right by up to 60 degrees."""

    dataset = "view_sweep"
    axis = "yaw, degrees"
    edges = (0, 15, 30, 45, 60)

    def angles(self, dataset: Dataset) -> Float[np.ndarray, " n"]:
        """The size of the rotation about the vertical axis, from rx, ry, rz (radians), tx, ty, tz."""
        return np.asarray(np.degrees(np.abs(self._truth(dataset, "view", 6)[:, 1])))


def _secondary(accuracies: Mapping[str, float]) -> dict[str, float]:
    """Each group's accuracy under its name, and what is `lost` from the first to the last."""
    found = {f"accuracy@{name}": value for name, value in accuracies.items()}
    values = list(accuracies.values())
    return {**found, "lost": values[0] - values[-1]} if values else found


def _too_few(items: int, people: int) -> str | None:
    """Why a group cannot be clustered by identity, if so."""
    if people < 2:
        return f"{items} items of {people} {'person' if people == 1 else 'people'}: expected at least two people"
    if items < 2 * people:
        return f"{items} items of {people} people: expected at least two items per person"
    return None
