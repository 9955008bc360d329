"""A part of a test set: which items it is, and what records and tables say of it."""

from collections.abc import Callable

import numpy as np
import pytest

from bench.grid.catalogue import METHODS
from bench.pipeline.limit import limited, part_tested
from bench.pipeline.records import Record
from bench.results.table.departures import as_in_the_paper
from datasets.base import Dataset
from datasets.errors import NotApplicable
from datasets.layout import SPLITS
from tasks.celeba_mask.task import CelebAMask
from tasks.clustering.labelled import ShapeNetCars
from tasks.clustering.tracks import Tracks
from tasks.factor_codes.task import FactorCodesTask
from tasks.few_shot_parts.cars import FewShotCarParts

Grid = Callable[..., tuple[int, list[Record]]]


def dataset(**content: object) -> Dataset:
    """Twelve images of three tracks, four of which train."""
    split = np.repeat([SPLITS.index("train"), SPLITS.index("test")], [4, 8])
    return Dataset(images=np.zeros((12, 8, 8, 3), np.uint8), labels={"split": split}, **content)  # type: ignore[arg-type]


FRAMES = np.arange(12)


def test_images_are_drawn_at_random_and_the_same_whoever_asks() -> None:
    task = ShapeNetCars(ShapeNetCars.Config(limit=5))
    found = limited(task, dataset(), FRAMES, 3)
    assert len(found) == 5
    assert (np.diff(found) > 0).all()
    np.testing.assert_array_equal(limited(task, dataset(), FRAMES, 3), found)
    assert any(not np.array_equal(limited(task, dataset(), FRAMES, seed), found) for seed in range(4, 8))
    assert part_tested(task, dataset(), found, FRAMES) == ["tested on 5 of 12 images (limit)"]


def test_a_limit_beyond_the_test_set_takes_all_of_it_and_says_nothing() -> None:
    task = ShapeNetCars(ShapeNetCars.Config(limit=12))
    np.testing.assert_array_equal(limited(task, dataset(), FRAMES, 0), FRAMES)
    assert part_tested(task, dataset(), FRAMES, FRAMES) == []


def test_tracks_are_taken_whole() -> None:
    tracks = np.repeat(np.arange(3), 4)
    there = dataset(tracks=tracks, track_names=("a", "b", "c"))
    task = Tracks(Tracks.Config(limit=2))
    found = limited(task, there, FRAMES, 0)
    assert len(found) == 8
    assert len(np.unique(tracks[found])) == 2
    assert part_tested(task, there, found, FRAMES) == ["tested on 2 of 3 tracks (limit)"]


@pytest.mark.parametrize(("task", "training"), [(CelebAMask, range(4)), (FewShotCarParts, range(0, 12, 2))])
def test_images_that_train_stay(task: type, training: range) -> None:
    found = limited(task(task.Config(limit=2)), dataset(), FRAMES, 0)
    assert set(training) < set(found.tolist())
    assert len(found) == len(training) + 2


def test_what_means_nothing_on_a_part_is_not_applicable() -> None:
    with pytest.raises(NotApplicable, match="run this task without --limit"):
        limited(FactorCodesTask(FactorCodesTask.Config(limit=2)), dataset(), FRAMES, 0)


def test_rows_of_a_part_stand_apart_and_are_not_of_the_papers_size(grid: Grid) -> None:
    _, [whole] = grid("raw_pixels")
    _, [part] = grid("raw_pixels", limit=7)
    assert part.task == f"{whole.task}[limit=7]"
    assert part.task_config["limit"] == 7
    assert "tested on 7 of 12 tracks (limit)" in part.captions[-1].text
    assert part.details["unknown"] == 0, "tracks that are left out are not unknown"
    assert sum(part.details["class_counts"]) == 7
    assert part.metrics["accuracy"] == 1.0
    assert not any("limit" in caption.text for caption in whole.captions)
    paper = METHODS.get("raw_pixels").load().Config().model_dump(mode="json")
    whole, part = (record.model_copy(update={"profile": "paper", "method_config": paper}) for record in (whole, part))
    assert (as_in_the_paper(whole), as_in_the_paper(part)) == (True, False)
