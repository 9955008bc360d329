"""RIS at 1024 px against the published implementation, on weights made by rule."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from methods.ris.catalogue import PARTS, Catalogue
from methods.ris.membership import hard_membership
from methods.ris.reader import Reader, catalogue_activations
from methods.stylegan2.architecture import FFHQ
from methods.stylegan2.generator import Generator


@pytest.mark.golden("ris_1024.npz")
@torch.inference_mode()
def test_segmentation_and_membership(golden_file: Path, golden_weights: Callable[..., None]) -> None:
    golden = np.load(golden_file)
    assert tuple(golden["parts"]) == PARTS
    generator = Generator(FFHQ)
    golden_weights(generator, kind="generator")
    centroids, part_of_cluster = (torch.from_numpy(golden[name]) for name in ("catalog_centers", "part_of_cluster"))
    catalogue = Catalogue.read({"centroids": centroids, "part_of_cluster": part_of_cluster}, channels=512)
    w_plus = torch.from_numpy(golden["w_plus"])

    clusters = catalogue.clusters(catalogue_activations(generator, w_plus))
    expected = golden["segmentation_32"]
    assert clusters.shape == (1, 32, 32)
    assert np.count_nonzero(clusters[0].numpy() != expected) <= 0.001 * expected.size

    reader = Reader(generator, catalogue)
    membership = hard_membership(reader(w_plus), reader.keep)
    shape = tuple(golden["membership_shape"])
    bits = np.unpackbits(golden["membership"])[: np.prod(shape)].reshape(shape)
    assert membership.shape == shape == (1, 8, 9088)
    # Of 400 ones among 72,704, so a share of the ones says more.
    differ = np.count_nonzero(membership.numpy() != bits)
    assert differ <= 0.001 * bits.size
    assert differ <= 0.01 * bits.sum()
