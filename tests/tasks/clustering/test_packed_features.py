"""Tasks on packed bits: the same numbers as on the unpacked array, in a fraction of its memory."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from datasets.base import Dataset
from datasets.packed import PackedBits
from datasets.streams import generator
from tasks.base import EvaluationInputs
from tasks.clustering.base import Clustering
from tasks.clustering.ward import squared_distances, ward_clusters


def groups(items: int, width: int, kinds: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Rows of bits about `kinds` centres, and the centre of each; as bytes."""
    rng = generator(0, "packed")
    kind = rng.integers(0, kinds, items)
    centres = rng.integers(0, 2, (kinds, width), dtype=np.uint8)
    return centres[kind] ^ (rng.integers(0, 256, (items, width), dtype=np.uint8) < 90), kind


@pytest.mark.parametrize(("items", "width"), [(40, 203), (30, 9001)])
def test_ward_is_the_same(items: int, width: int) -> None:
    dense, _ = groups(items, width)
    packed = PackedBits(np.packbits(dense, axis=1), width)
    dense = dense.astype(np.float32)
    np.testing.assert_array_equal(squared_distances(packed), squared_distances(dense))
    for clusters in (1, 2, 4, 7):
        np.testing.assert_array_equal(ward_clusters(packed, clusters), ward_clusters(dense, clusters))


def test_clustering_with_unknown_labels_is_the_same() -> None:
    dense, kind = groups(60, 301)
    labels = np.where(np.arange(60) % 7 == 0, -1, kind)
    dataset = Dataset(
        images=np.zeros((60, 8, 8, 3), dtype=np.uint8),
        labels={"kind": labels},
        classes={"kind": ("a", "b", "c", "d")},
        name="demo",
    )
    packed = PackedBits(np.packbits(dense, axis=1), 301)
    one, other = (
        Clustering().evaluate(EvaluationInputs(dataset, np.arange(60), seed=0, features=features))
        for features in (packed, dense.astype(np.float32))
    )
    assert one.metrics == other.metrics
    np.testing.assert_array_equal(one.predictions["cluster"], other.predictions["cluster"])


def test_ward_is_done_in_a_fraction_of_the_memory(tmp_path: Path) -> None:
    dense, kind = groups(100, 640_000)
    np.save(tmp_path / "packed.npy", np.packbits(dense, axis=1))
    del dense
    packed = PackedBits(np.load(tmp_path / "packed.npy", mmap_mode="r"), 640_000)
    tracemalloc.start()
    clusters = ward_clusters(packed, 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(set(zip(clusters.tolist(), kind.tolist(), strict=True))) == 4
    assert peak < 4 * packed.shape[0] * packed.shape[1] / 2
