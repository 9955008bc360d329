"""The catalogue of RIS: clusters of activations, and the part of the face that each stands for."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from datasets.errors import BenchError

PARTS = ("nose", "eyes", "mouth", "hair", "background", "cheeks", "neck", "clothes")

# The part that each class of the segmentation data belongs to, in the order of `datasets.celebamask.PARTS`: brows and
# glasses go with the eyes, what else is skin (ears and earrings too) with the cheeks, a hat is where hair would be.
PART_OF_CLASS = (
    *("background", "cheeks", "nose", "eyes", "eyes", "eyes", "eyes", "eyes", "cheeks", "cheeks"),
    *("mouth", "mouth", "mouth", "hair", "hair", "cheeks", "neck", "neck", "clothes"),
)


@dataclass(frozen=True)
class Catalogue:
    """Which part of the face an activation belongs to.

    Attributes
    ----------
    centroids: unit vectors, as wide as the layer has channels, that squared activations are compared with.
    part_of_cluster: the part of each, an index into `PARTS`.
    """

    centroids: Float[Tensor, "k c"]
    part_of_cluster: Int[Tensor, " k"]

    @classmethod
    def read(cls, tensors: Mapping[str, Tensor], channels: int) -> "Catalogue":
        """The catalogue held by tensors of the attributes' names, for a layer of `channels` channels.

        Raises BenchError where a tensor is absent or does not fit; the text names it.
        """
        again = "derive it again, with the same configuration and weights"
        for name in ("centroids", "part_of_cluster"):
            if name not in tensors:
                raise BenchError(f"catalogue of parts: no {name} among {sorted(tensors)}: {again}")
        centroids, parts = tensors["centroids"], tensors["part_of_cluster"]
        if centroids.ndim != 2 or centroids.shape[1] != channels or not centroids.is_floating_point():
            raise BenchError(
                f"catalogue of parts: centroids is {centroids.dtype} {tuple(centroids.shape)}, this generator's layer "
                f"needs float (clusters, {channels}): {again}"
            )
        if parts.dtype != torch.int64 or parts.shape != centroids.shape[:1]:
            raise BenchError(
                f"catalogue of parts: part_of_cluster is {parts.dtype} {tuple(parts.shape)}, expected int64 "
                f"({len(centroids)},), one per centroid: {again}"
            )
        if not bool(((parts >= 0) & (parts < len(PARTS))).all()):
            raise BenchError(
                f"catalogue of parts: part_of_cluster has {parts.tolist()}, expected 0 to {len(PARTS) - 1}, the index "
                f"of a part: {again}"
            )
        return cls(centroids, parts)

    def tensors(self) -> dict[str, Tensor]:
        """What `read` takes."""
        return {"centroids": self.centroids, "part_of_cluster": self.part_of_cluster}

    def clusters(self, activations: Float[Tensor, "b c h w"]) -> Int[Tensor, "b h w"]:
        """The cluster of each cell: the centroid most similar to its squared activations."""
        return nearest(self.centroids, activations)

    def parts(self, activations: Float[Tensor, "b c h w"]) -> Int[Tensor, "b h w"]:
        """The part of each cell, an index into `PARTS`."""
        return self.part_of_cluster[self.clusters(activations)]

    @property
    def missing(self) -> list[str]:
        """The parts that no cluster stands for."""
        found = set(self.part_of_cluster.tolist())
        return [name for index, name in enumerate(PARTS) if index not in found]


def nearest(centroids: Float[Tensor, "k c"], activations: Float[Tensor, "b c h w"]) -> Int[Tensor, "b h w"]:
    """The centroid most similar, by cosine, to each cell's squared activations."""
    # A cell's own length scales all its similarities alike.
    return torch.einsum("kc,bchw->bkhw", centroids, activations.square()).argmax(dim=1)


def count_votes(clusters: Int[Tensor, "b h w"], classes: UInt8[Tensor, "b s s"], number: int) -> Int[Tensor, "k parts"]:
    """How many pixels of each part lie in cells of each of `number` clusters.

    `classes` are the segmentation's 19 (`datasets.celebamask.PARTS`); every pixel votes for the cell that it is in.
    """
    spread = F.interpolate(clusters[:, None].float(), size=classes.shape[1:], mode="nearest-exact")[:, 0].long()
    part = torch.tensor([PARTS.index(name) for name in PART_OF_CLASS], device=classes.device)[classes.long()]
    votes = torch.bincount((spread * len(PARTS) + part).flatten(), minlength=number * len(PARTS))
    return votes.view(number, len(PARTS))


def elect(votes: Int[Tensor, "k parts"], centroids: Float[Tensor, "k c"]) -> Int[Tensor, " k"]:
    """The part with the most pixels in each cluster.

    A cluster in which no pixel lies takes the part of the most similar centroid that has some.
    """
    voted = votes.sum(dim=1) > 0
    similarity = (centroids @ centroids.T).masked_fill(~voted, -torch.inf)
    standing_in = torch.where(voted, torch.arange(len(votes), device=votes.device), similarity.argmax(dim=1))
    return votes[standing_in].argmax(dim=1)
