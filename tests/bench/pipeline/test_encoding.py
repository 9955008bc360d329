"""Features by image and by track, whatever the batches."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.pipeline.encoding import TrackMeans, stores_bits, write_features
from datasets.base import Dataset, Silent
from datasets.errors import BenchError
from datasets.packed import PackedBits
from methods.base import Method
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


class Bits(Method):
    """Whether each value of the image is above a level, `repeat` times over."""

    stateless = True
    binary = True
    repeat = 1

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return (images[:, :, :5, :5] > 0.3).float().flatten(1).repeat(1, self.repeat)


def write(method: Method, dataset: Dataset, target: Path, *, by_track: bool = False) -> list[int]:
    frames = np.arange(len(dataset.images))
    return write_features(
        method, dataset, frames, target, device="cpu", by_track=by_track, scale=1.0, progress=Silent(), what="demo"
    )


@pytest.mark.parametrize("batch", [1, 3, 100])
def test_binary_features_are_stored_a_bit_each(dataset: Dataset, batch: int, tmp_path: Path) -> None:
    method = Bits()
    method.encode_batch = batch
    assert write(method, dataset, tmp_path / "f.npy") == [7, 75]
    stored = np.load(tmp_path / "f.npy")
    assert (stored.dtype, stored.shape) == (np.uint8, (7, 10))
    expected = dataset.images[:, :5, :5].transpose(0, 3, 1, 2).reshape(7, -1) > 0.3 * 255
    np.testing.assert_array_equal(PackedBits(stored, 75)[:], expected.astype(np.float32))


def test_means_of_bits_are_no_bits(dataset: Dataset, tmp_path: Path) -> None:
    assert stores_bits(Bits(), by_track=False)
    assert not stores_bits(Bits(), by_track=True)
    assert write(Bits(), dataset, tmp_path / "f.npy", by_track=True) == [3, 75]
    found = np.load(tmp_path / "f.npy")
    assert found.dtype == np.float32
    bits = (dataset.images[[1, 5], :5, :5].transpose(0, 3, 1, 2).reshape(2, -1) > 0.3 * 255).astype(np.float32)
    np.testing.assert_allclose(found[1], bits.mean(axis=0))


def test_a_binary_method_must_give_bits(dataset: Dataset, tmp_path: Path) -> None:
    class Pixels(RawPixels):
        binary = True

    with pytest.raises(BenchError, match="demo: the method declares binary features, but gives values other than"):
        write(Pixels(), dataset, tmp_path / "f.npy")


def test_wide_bits_are_written_batch_by_batch(tmp_path: Path) -> None:
    images = np.zeros((64, 5, 5, 3), dtype=np.uint8)
    method = Bits()
    method.repeat, method.encode_batch = 1000, 4
    tracemalloc.start()
    shape = write(method, Dataset(images=images, name="demo"), tmp_path / "f.npy")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert shape == [64, 75_000]
    assert (tmp_path / "f.npy").stat().st_size < 64 * 75_000 / 8 + 1000
    assert peak < 4 * 64 * 75_000 / 4
