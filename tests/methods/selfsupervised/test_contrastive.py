"""SimCLR and VICReg: losses as a well-known library has them, and what the configuration refuses."""

import pytest
import torch
from pydantic import ValidationError

from bench.grid.catalogue import METHODS
from methods.pdr.loocc import nt_xent
from methods.selfsupervised.contrastive import SimCLR, SimCLRConfig, VICReg, VICRegConfig, vicreg_terms

SMALL = {"nf": 16, "zdim": 32}


@pytest.fixture
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    first = torch.randn(6, 5, generator=generator)
    return first, first + 0.3 * torch.randn(6, 5, generator=generator)


def test_terms_are_those_of_lightly(pair: tuple[torch.Tensor, torch.Tensor]) -> None:
    """`lightly.loss.VICRegLoss` and `NTXentLoss(0.5)` of lightly 1.6.0 on the same numbers."""
    terms = [term.item() for term in vicreg_terms(*pair)]
    assert terms == pytest.approx([0.10067250579595566, 0.038057841360569, 1.5051796436309814], rel=1e-5)
    assert nt_xent(*pair, 0.5).item() == pytest.approx(0.8613761067390442, rel=1e-5)
    learner = VICReg(VICRegConfig(**SMALL)).learner()
    assert learner.compared(*pair)["loss"].item() == pytest.approx(4.973438262939453, rel=1e-5)  # type: ignore[attr-defined]


def test_simclr_compares_projections_of_two_views() -> None:
    learner = SimCLR(SimCLRConfig(**SMALL, temperature=0.2)).learner()
    images = torch.rand(4, 3, 64, 64)
    with torch.no_grad():
        found = learner.losses(images, torch.Generator().manual_seed(5))
        chance = torch.Generator().manual_seed(5)
        augmentation = learner.config.augmentation  # type: ignore[attr-defined]
        views = [learner.module(augmentation(images, chance)) for _ in range(2)]
    torch.testing.assert_close(found["loss"], nt_xent(*views, 0.2))
    assert views[0].shape == (4, 128)
    assert not torch.allclose(*views), "the two views differ"


def test_a_single_image_varies_by_nothing() -> None:
    """As the last batch of a validation may be."""
    learner = VICReg(VICRegConfig(**SMALL)).learner()
    learner.eval()
    with torch.no_grad():
        losses = learner.validate(torch.rand(1, 3, 64, 64))
    assert all(torch.isfinite(value) for value in losses.values())
    assert losses["covariance"].item() == 0


@pytest.mark.parametrize("name", ["simclr", "vicreg"])
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"schedule": {"batch_size": 1}}, "batch_size >= 2"),
        ({"crop": 0.0}, "greater than 0"),
        ({"crop": 1.5}, "less than or equal to 1"),
        ({"colour": 2.0}, "less than or equal to 1"),
    ],
)
def test_settings_that_mean_nothing(name: str, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        METHODS.get(name).load().Config(**settings)
