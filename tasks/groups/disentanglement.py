"""How far features are disentangled, against the factors that drawn faces were drawn from.

The metrics of the field compare codes, a handful of numbers per image, with factors. Learned features are of 1,024 to
131,072 numbers here, so the same is done to all of them, at two levels.

Codes. Features are reduced to 32 whitened principal components per method. Where features have groups by nature
(`Model.feature_groups`: PDR's scene parameters, StyleGAN2's styles by scale, RIS's parts of the face), each group has
its equal share of the 32 and components of its own, so that a method is not asked for axes that it never claimed, but
is held to the groups it does; other features are one group, `all`. A group of no more features than its share keeps
them as they are. The components see all images, and no factor. Of these codes the table has DCI (Eastwood and
Williams, 2018), MIG (Chen et al., 2018) and SAP (Kumar et al., 2018).

Groups. How well all of a group's features predict each factor by ridge regression, in images held out; means over the
factors of a scene parameter are the matrix in `details`, with disentanglement and completeness as in DCI.

Limits. With 256 images the gaps of MIG and SAP between two codes are of the size of chance, and so is DCI's of a method
that predicts nothing: read them beside the row of the method `chance`. Principal components are one choice of axes
within a group. A factor that no feature could show (hidden by a hat, less than a pixel) lowers all methods the same.
Intervals are not given: resampled images repeat, which raises mutual information and out-of-bag R^2.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
from jaxtyping import Float, Int, Shaped
from pydantic import Field

from datasets.base import Dataset
from datasets.errors import BenchError, NotApplicable
from datasets.packed import Matrix
from datasets.streams import seed_for
from tasks.base import EvaluationInputs, Task, TaskConfig
from tasks.groups.features import grouped_features
from tasks.groups.principal import codes as codes_of
from tasks.groups.principal import coordinates
from tasks.metrics.disentanglement import (
    BINS,
    completeness,
    disentanglement,
    forest_importance,
    mutual_information_gap,
    ridge_r2,
    separated_attribute_predictability,
)
from tasks.results import Heatmap, Metric, Scores

# The group of features that have none by nature.
WHOLE = "all"


class DisentanglementConfig(TaskConfig):
    """How codes are made and compared with factors."""

    codes: int = Field(
        32, ge=2, description="codes per method, shared evenly by its groups of features; at least one each"
    )
    trees: int = Field(50, ge=1, description="trees of each factor's random forest (DCI)")
    bins: int = Field(BINS, ge=2, description="bins that codes and factors are cut into (MIG)")
    folds: int = Field(4, ge=2, description="shares of the images, each predicted from the others (groups)")


class Disentanglement(Task):
    """DCI, MIG and SAP of a method's features, and what each of its groups of features tells of the scene.

    All natural groups count, whichever of them a row's features are of, as in `pcc`.
    """

    Config: ClassVar[type[TaskConfig]] = DisentanglementConfig
    # Under a second, and still each of 32 images is out of some tree's bag.
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {"smoke": {"trees": 30}}
    dataset = "faces_truth"
    requires: ClassVar[frozenset[str]] = frozenset()
    uses: ClassVar[frozenset[str]] = frozenset({"features", "groups"})
    metrics = (
        Metric("dci_disentanglement", cites=("eastwood2018dci",)),
        Metric("dci_completeness", cites=("eastwood2018dci",)),
        Metric("dci_informativeness", cites=("eastwood2018dci",)),
        Metric("mig", cites=("chen2018mig",)),
        Metric("sap", cites=("kumar2018sap",)),
    )

    def evaluate(self, inputs: EvaluationInputs) -> Scores:
        """Score all images of `frames`; see the module for what is scored.

        Returns
        -------
        Scores with the five `metrics`, all in [0, 1] and more is better, and
        `predictions`: `frame` (index in the dataset), `codes` (n, c) and `factors` (n, k), float32.
        `details["disentanglement"]`: R^2 by `rows` (groups) and `columns` (scene parameters), `values` as a list of
            rows; `disentanglement` and `completeness` of that matrix where there is more than one group.
        `details["disentanglement_factors"]`: the same matrix with a column per factor.
        `details["factors"]`: informativeness, mig and sap of each factor.
        `details["codes"]`: number of codes of each group; `details["constant"]`: factors that are the same in all of
            the images, which are left out.

        Raises
        ------
        NotApplicable: where the method has no features before labels train it.
        BenchError: where the dataset has no factors, or features are not finite.
        """
        dataset, frames, progress = inputs.dataset, inputs.frames, inputs.progress
        names, factors = _factors(dataset, frames, self.config.folds)
        changing = np.ptp(factors, axis=0) > 0
        kept = [name for name, moves in zip(names, changing, strict=True) if moves]
        constant = [name for name, moves in zip(names, changing, strict=True) if not moves]
        factors = factors[:, changing]
        groups = _groups(inputs)
        axes = {name: coordinates(_finite(values, name, dataset)) for name, values in groups.items()}
        share, more = divmod(max(self.config.codes, len(groups)), len(groups))
        parts = {
            name: codes_of(values, axes[name], share + (place < more))
            for place, (name, values) in enumerate(groups.items())
        }
        codes = np.concatenate(list(parts.values()), axis=1)
        columns = progress.track(factors.T, total=len(kept), what=f"{dataset.label}: factors")
        importance, informativeness = forest_importance(
            codes, columns, trees=self.config.trees, seed=seed_for(inputs.seed, "forest")
        )
        mig = mutual_information_gap(codes, factors, self.config.bins)
        sap = separated_attribute_predictability(codes, factors)
        r2 = np.stack([ridge_r2(values, factors, self.config.folds) for values in axes.values()])
        told = by_scene_parameter(list(groups), kept, r2)
        return Scores(
            {
                "dci_disentanglement": disentanglement(importance),
                "dci_completeness": completeness(importance),
                "dci_informativeness": float(informativeness.mean()),
                "mig": float(mig.mean()),
                "sap": float(sap.mean()),
            },
            charts=[
                Heatmap(
                    "what each group of features tells of the true scene, R² on images held out",
                    tuple(told["rows"]),
                    tuple(told["columns"]),
                    tuple(tuple(row) for row in told["values"]),
                    "scene parameter",
                )
            ],
            predictions={
                "frame": frames.astype(np.int64),
                "codes": codes.astype(np.float32),
                "factors": factors.astype(np.float32),
            },
            details={
                "disentanglement": told,
                "disentanglement_factors": {"rows": list(groups), "columns": kept, "values": r2.tolist()},
                "factors": {
                    name: {"informativeness": float(i), "mig": float(m), "sap": float(s)}
                    for name, i, m, s in zip(kept, informativeness, mig, sap, strict=True)
                },
                "codes": {name: values.shape[1] for name, values in parts.items()},
                "constant": constant,
            },
        )


def by_scene_parameter(groups: list[str], factors: list[str], r2: Float[np.ndarray, "g k"]) -> dict[str, Any]:
    """The matrix of groups and scene parameters as JSON: means over the factors of each, whose names are
    `scene parameter.factor`.

    Importances in DCI sum to 1 for each factor, and so disentanglement is that of each column's shares: what is easy to
    tell from any group is not each group's own. Completeness weighs columns by their sums, for what nothing tells is
    noise.
    """
    owners = [name.partition(".")[0] for name in factors]
    columns = list(dict.fromkeys(owners))
    chosen = [np.flatnonzero([owner == column for owner in owners]) for column in columns]
    values = np.stack([r2[:, own].mean(axis=1) for own in chosen], axis=1)
    matrix: dict[str, Any] = {"rows": groups, "columns": columns, "values": values.tolist()}
    if len(groups) > 1:
        sums = values.sum(axis=0)
        shares = np.divide(values, sums, out=np.zeros_like(values), where=sums > 0)
        matrix |= {"disentanglement": disentanglement(shares), "completeness": completeness(values)}
    return matrix


def _factors(
    dataset: Dataset, frames: Int[np.ndarray, " m"], folds: int
) -> tuple[tuple[str, ...], Float[np.ndarray, "m k"]]:
    if "factors" not in dataset.truth or "factors" not in dataset.classes:
        raise BenchError(f"{dataset.label} has no true factors to compare features with: only faces_truth has")
    factors = np.asarray(dataset.truth["factors"])[frames].astype(np.float64)
    if len(factors) < 2 * folds:
        raise BenchError(f"{dataset.label}: {len(factors)} images, expected at least {2 * folds}, two per fold")
    if not (np.ptp(factors, axis=0) > 0).any():
        raise BenchError(f"{dataset.label}: its factors are the same in all {len(factors)} images")
    return dataset.classes["factors"], factors


def _groups(inputs: EvaluationInputs) -> Mapping[str, Shaped[Matrix, "n _"]]:
    """The method's features in their natural groups, or all of them as one."""
    try:
        return grouped_features(inputs.model().feature_groups, inputs)
    except NotApplicable:
        if not inputs.has_features:
            raise NotApplicable("the method has no features before labels train it") from None
        return {WHOLE: inputs.features}


def _finite(values: Shaped[Matrix, "n _"], name: str, dataset: Dataset) -> Shaped[Matrix, "n _"]:
    if isinstance(values, np.ndarray):
        wrong = sum(not np.isfinite(row).all() for row in values)
        if wrong:
            raise BenchError(
                f"{dataset.label}: features ({name}) of {wrong} of {len(values)} images are not finite numbers: "
                "look at the method's training, which may have diverged"
            )
    return values
