"""The catalogue: clusters of cells, votes of pixels, and tensors that do not fit."""

from typing import Any

import pytest
import torch
from torch import Tensor

from datasets.celebamask import PARTS as CLASSES
from datasets.errors import BenchError
from methods.ris.catalogue import PART_OF_CLASS, PARTS, Catalogue, count_votes, elect

NOSE, EYES, HAIR, BACKGROUND = (PARTS.index(name) for name in ("nose", "eyes", "hair", "background"))


def of_class(name: str) -> int:
    return CLASSES.index(name)


def catalogue() -> Catalogue:
    return Catalogue(torch.eye(3, 4), torch.tensor([HAIR, NOSE, BACKGROUND]))


def test_every_class_belongs_to_the_part_of_its_name() -> None:
    assert len(PART_OF_CLASS) == len(CLASSES) == 19
    found = dict(zip(CLASSES, PART_OF_CLASS, strict=True))
    assert set(found.values()) == set(PARTS)
    assert found["cloth"] == "clothes"
    assert found["skin"] == found["l_ear"] == found["ear_r"] == "cheeks"
    assert found["l_brow"] == found["r_eye"] == found["eye_g"] == "eyes"
    assert found["hat"] == found["hair"] == "hair"
    assert found["neck_l"] == found["neck"] == "neck"
    assert found["u_lip"] == found["l_lip"] == found["mouth"] == "mouth"


def test_a_cell_goes_by_the_direction_of_its_squared_activations() -> None:
    activations = torch.zeros(1, 4, 2, 2)
    activations[0, :, 0, 0] = torch.tensor([100.0, -101.0, 0.0, 5.0])
    activations[0, :, 0, 1] = torch.tensor([-2.0, 1.0, 1.0, 9.0])
    activations[0, :, 1, 1] = torch.tensor([0.0, 0.0, -1e-3, 0.0])
    activations[0, :, 1, 0] = torch.tensor([0.0, 3.0, 2.0, 0.0])
    assert catalogue().clusters(activations).tolist() == [[[1, 0], [1, 2]]]
    assert catalogue().parts(activations).tolist() == [[[NOSE, HAIR], [NOSE, BACKGROUND]]]


def test_pixels_vote_for_their_cells_cluster() -> None:
    clusters = torch.tensor([[[0, 1], [2, 2]]])
    classes = torch.full((1, 4, 4), of_class("background"), dtype=torch.uint8)
    classes[0, :2, :2] = of_class("hair")
    classes[0, 0, 0] = of_class("hat")
    classes[0, 1, 1] = of_class("l_brow")
    classes[0, 0, 2:] = of_class("nose")
    votes = count_votes(clusters, classes, 4)
    expected = torch.zeros(4, 8, dtype=torch.int64)
    expected[0, HAIR], expected[0, EYES] = 3, 1
    expected[1, NOSE], expected[1, BACKGROUND] = 2, 2
    expected[2, BACKGROUND] = 8
    assert torch.equal(votes, expected)


def test_the_majority_wins_and_silence_follows_the_most_similar() -> None:
    votes = torch.zeros(4, 8, dtype=torch.int64)
    votes[0, HAIR], votes[0, EYES] = 10, 9
    votes[1, NOSE] = 1
    centroids = torch.nn.functional.normalize(
        torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.1, 0.9, 0.5], [0.0, 0.1, 1.0]]), dim=1
    )
    assert elect(votes, centroids).tolist() == [HAIR, NOSE, NOSE, NOSE]


def test_parts_without_a_cluster_are_known() -> None:
    assert catalogue().missing == ["eyes", "mouth", "cheeks", "neck", "clothes"]


def test_what_is_written_is_read() -> None:
    found = Catalogue.read(catalogue().tensors(), channels=4)
    assert torch.equal(found.centroids, catalogue().centroids)
    assert torch.equal(found.part_of_cluster, catalogue().part_of_cluster)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"centroids": None}, r"no centroids among \['part_of_cluster'\]"),
        ({"part_of_cluster": None}, r"no part_of_cluster among \['centroids'\]"),
        ({"centroids": torch.eye(3, 5)}, r"centroids is torch.float32 \(3, 5\), .* needs float \(clusters, 4\)"),
        ({"centroids": torch.ones(4)}, r"centroids is torch.float32 \(4,\)"),
        ({"centroids": torch.ones(3, 4, dtype=torch.int64)}, r"centroids is torch.int64"),
        ({"part_of_cluster": torch.tensor([0, 1])}, r"part_of_cluster is torch.int64 \(2,\), expected int64 \(3,\)"),
        ({"part_of_cluster": torch.ones(3)}, r"part_of_cluster is torch.float32 \(3,\), expected int64"),
        ({"part_of_cluster": torch.tensor([0, 8, 1])}, r"part_of_cluster has \[0, 8, 1\], expected 0 to 7"),
        ({"part_of_cluster": torch.tensor([0, -1, 1])}, r"part_of_cluster has \[0, -1, 1\], expected 0 to 7"),
    ],
)
def test_tensors_that_do_not_fit(changes: dict[str, Any], message: str) -> None:
    tensors: dict[str, Tensor] = {**catalogue().tensors(), **changes}
    given = {name: value for name, value in tensors.items() if value is not None}
    with pytest.raises(BenchError, match=f"catalogue of parts: {message}.*: derive it again"):
        Catalogue.read(given, channels=4)
