"""Counts of what official distributions hold, and of what a copy does."""

import numpy as np
import pytest

from datasets.base import Dataset
from datasets.official import counts


def labelled(name: str, parts: list[int], **changes: object) -> Dataset:
    """A dataset with an official split; `parts` of each image."""
    images = np.zeros((len(parts), 2, 2, 3), dtype=np.uint8)
    split = {"split": np.array(parts)}
    return Dataset(images, split, {"split": ("train", "val", "test")}, name=name, **changes)


def test_parts_of_a_split_are_counted_where_an_image_of_them_is_used() -> None:
    copy = labelled("celeba", [0, 0, 1, 2, 2, 2])
    assert counts(copy) == {"train": 2, "val": 1, "test": 3}
    assert counts(copy, np.array([4])) == {"test": 3}
    assert counts(copy, np.array([0, 5])) == {"train": 2, "test": 3}


def test_tracks_and_images_are_counted_whatever_is_used() -> None:
    images = np.zeros((4, 2, 2, 3), dtype=np.uint8)
    tracks = Dataset(images, tracks=np.array([0, 0, 1, 1]), track_names=("a", "b"), name="bbt")
    assert counts(tracks, np.array([0])) == {"tracks": 2}
    assert counts(labelled("yaleb", [0, 2])) == {"images": 2}


@pytest.mark.parametrize("copy", [labelled("celeba", [0], synthetic=True), labelled("images:mine", [0])])
def test_drawn_and_own_data_have_no_official_count(copy: Dataset) -> None:
    assert counts(copy) == {}
