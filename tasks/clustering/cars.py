"""Clustering by class of car: ShapeNet."""

from typing import Literal

from tasks.clustering.base import Clustering


class ShapeNetCars(Clustering):
    """Five classes told apart by the models' names, on 1,000 test images (PDR table 4); cars of no class are left
    out."""

    dataset = "shapenet_cars"
    domain: Literal["faces", "cars"] = "cars"
    label_kind = "car"
