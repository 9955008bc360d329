"""Features by image and by track, whatever the batches."""

from pathlib import Path

import numpy as np
import pytest

from bench.encoding import TrackMeans, write_features
from datasets.base import Dataset, Silent
from methods.baselines import RawPixels


@pytest.fixture
def dataset() -> Dataset:
    """Seven frames of three tracks, out of order."""
    rng = np.random.default_rng(1)
    images = rng.integers(0, 256, (7, 64, 64, 3), dtype=np.uint8)
    return Dataset(
        images=images, tracks=np.array([0, 1, 0, 2, 2, 1, 0]), track_names=("a", "b", "c"), name="demo", digest="d"
    )


@pytest.mark.parametrize("batch", [1, 3, 7, 100])
@pytest.mark.parametrize("by_track", [False, True])
def test_any_batch_size_gives_the_same(dataset: Dataset, batch: int, by_track: bool, tmp_path: Path) -> None:
    method = RawPixels()
    method.encode_batch = batch
    frames = np.array([0, 1, 2, 3, 5, 6])
    shape = write_features(
        method,
        dataset,
        frames,
        tmp_path / "f.npy",
        device="cpu",
        by_track=by_track,
        scale=255.0,
        progress=Silent(),
        what="demo",
    )
    flat = dataset.images.transpose(0, 3, 1, 2).reshape(7, -1).astype(np.float64)
    expected = flat[frames]
    if by_track:
        expected = np.stack([flat[[0, 2, 6]].mean(0), flat[[1, 5]].mean(0), flat[[3]].mean(0)])
    found = np.load(tmp_path / "f.npy")
    assert list(found.shape) == shape
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_complete_track_is_forgotten() -> None:
    target = np.zeros((2, 3), dtype=np.float32)
    means = TrackMeans(target, np.array([0, 0, 1]))
    means.add(np.ones((1, 3), dtype=np.float32))
    assert set(means.sums) == {0}
    means.add(3 * np.ones((2, 3), dtype=np.float32))
    assert not means.sums
    np.testing.assert_array_equal(target, [[2, 2, 2], [3, 3, 3]])
