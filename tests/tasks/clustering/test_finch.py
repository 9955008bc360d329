"""FINCH's hierarchy on features whose clusters are known, and its scores by hand."""

import numpy as np
import pytest

from datasets.packed import PackedBits
from tasks.clustering.finch import finch, finch_details, finch_scores, finch_tables
from tasks.clustering.rows import compact


def blobs(per: int = 12, width: int = 8) -> tuple[np.ndarray, np.ndarray]:
    """Three directions, a few degrees wide."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(3), per)
    return (np.eye(3, width)[labels] + 0.03 * rng.standard_normal((3 * per, width))).astype(np.float32), labels


def test_three_directions_are_three_clusters() -> None:
    features, labels = blobs()
    found = finch_details(features, labels, 3)
    assert found["at_classes"] == {"clusters": 3, "sizes": [12, 12, 12], "nmi": pytest.approx(1), "purity": 1.0}
    sizes = [partition["clusters"] for partition in found["partitions"]]
    assert sizes == sorted(sizes, reverse=True), "finest first"
    assert all(partition["purity"] == 1 for partition in found["partitions"] if partition["clusters"] >= 3)


def test_wide_features_give_the_partitions_of_the_features_themselves() -> None:
    """Turning all rows alike changes no angle, so fewer dimensions are enough."""
    features, _ = blobs(width=300)
    narrow = compact(features)
    assert narrow.shape == (36, 36)
    np.testing.assert_allclose(narrow @ narrow.T, features @ features.T, atol=1e-5)
    wide = np.concatenate([features, np.zeros((36, 0), np.float32)], axis=1)
    from finch import FINCH

    partitions, _, _ = FINCH(wide, verbose=False)
    assert np.array_equal(finch(features, 3)[0], partitions)


@pytest.mark.parametrize(("items", "width"), [(2, 3), (3, 1), (40, 2), (300, 8), (1500, 16)])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("clusters", [1, 2, 20])
def test_steps_are_the_packages(
    monkeypatch: pytest.MonkeyPatch, items: int, width: int, ties: bool, clusters: int
) -> None:
    """With links that are found in several blocks."""
    from finch import FINCH

    rng = np.random.default_rng(items)
    features = 4 * rng.standard_normal((8, width))[rng.integers(0, 8, items)] + rng.standard_normal((items, width))
    features = (np.abs(np.rint(features)) + 1 if ties else features).astype(np.float32)
    partitions, _, asked = FINCH(features, req_clust=min(clusters, items), distance="cosine", verbose=False)
    monkeypatch.setattr("tasks.clustering.finch.BLOCK_MEBIBYTES", 4)
    found, chosen = finch(features, min(clusters, items))
    np.testing.assert_array_equal(found, partitions)
    np.testing.assert_array_equal(chosen, asked)


def test_scores_by_hand() -> None:
    """Two directions, the labels of one item in each exchanged; another is unknown."""
    features = np.repeat(np.eye(2, dtype=np.float32), 4, axis=0)
    labels = np.array([0, 0, 0, 1, 1, 1, 0, -1])
    found = finch_details(features, labels, 2)["at_classes"]
    assert found["clusters"] == 2
    assert found["purity"] == pytest.approx(5 / 7)


def test_several_labels_are_averaged() -> None:
    features, labels = blobs()
    tables = np.stack([labels == 0, np.arange(36) % 2], axis=1).astype(np.int8)
    one, other = (finch_details(features, tables[:, [k]], 3)["at_classes"] for k in range(2))
    both = finch_details(features, tables, 3)["at_classes"]
    assert both["purity"] == pytest.approx((one["purity"] + other["purity"]) / 2)


def test_packed_bits_are_as_good_as_an_array() -> None:
    bits = (np.random.default_rng(1).random((20, 100)) < 0.4).astype(np.uint8)
    labels = np.arange(20) % 2
    packed = PackedBits(np.packbits(bits, axis=1), 100)
    assert finch_details(packed, labels, 2) == finch_details(bits.astype(np.float32), labels, 2)


def test_too_many_items_are_left_out_and_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.clustering.finch.LARGEST", 10)
    assert "36 items are more than the 10" in finch_details(*blobs(), 3)["left_out"]
    assert finch_scores(finch_details(*blobs(), 3)) == {}
    assert finch_tables(finch_details(*blobs(), 3)) == []


def test_scores_and_partitions_as_a_table() -> None:
    level = {"clusters": 7, "sizes": [1, 2, 9], "nmi": 0.25, "purity": 0.5}
    found = {"partitions": [level], "at_classes": {"clusters": 3, "sizes": [4, 5, 6], "nmi": 0.75, "purity": 1.0}}
    assert finch_scores(found) == {"finch_nmi": 0.75, "finch_purity": 1.0}
    [table] = finch_tables(found)
    assert table.columns == ("FINCH, clusters", "smallest, median, largest", "NMI", "purity")
    assert table.rows == (
        ("7", ("1, 2, 9", "0.250", "0.500")),
        ("3 (asked for)", ("4, 5, 6", "0.750", "1.000")),
    )
