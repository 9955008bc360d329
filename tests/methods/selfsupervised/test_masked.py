"""The masked autoencoder: what it sees, what its loss counts, and that patches are put back where they were."""

import pytest
import torch
from pydantic import ValidationError

from methods.selfsupervised.masked import MAE, MAEConfig, normalised, random_order

SMALL = {"width": 64, "depth": 1, "decoder_width": 64, "decoder_depth": 1}


@pytest.fixture
def method() -> MAE:
    torch.manual_seed(0)
    found = MAE(MAEConfig(**SMALL))
    found.module.eval()
    return found


def test_patches_are_put_back(method: MAE) -> None:
    images = torch.rand(2, 3, 64, 64)
    patches = method.module.patches(images)
    assert patches.shape == (2, 64, 192)
    assert torch.equal(method.module.image(patches), images)
    first = patches[0, 9].view(3, 8, 8)
    assert torch.equal(first, images[0, :, 8:16, 8:16]), "row by row"


def test_only_what_is_seen_decides(method: MAE) -> None:
    """Changing hidden patches leaves the guess as it is; changing a seen one does not."""
    images = torch.rand(1, 3, 64, 64)
    order = random_order(1, 64, torch.Generator().manual_seed(0))
    guess = method.module(images, order, 16)
    for place, same in ((order[0, 20], True), (order[0, 3], False)):
        other = images.clone()
        row, column = divmod(int(place), 8)
        other[:, :, 8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = 0.5
        assert torch.allclose(method.module(other, order, 16), guess, atol=1e-6) == same


def test_guesses_belong_to_their_places(method: MAE) -> None:
    """The order in which patches are seen, and in which others are hidden, changes nothing."""
    images = torch.rand(1, 3, 64, 64)
    order = random_order(1, 64, torch.Generator().manual_seed(0))
    shuffled = torch.cat([order[:, :16].flip(1), order[:, 16:].flip(1)], dim=1)
    torch.testing.assert_close(method.module(images, shuffled, 16), method.module(images, order, 16))


def test_the_loss_counts_what_was_not_seen(method: MAE) -> None:
    learner, images = method.learner(), torch.rand(3, 3, 64, 64)
    with torch.no_grad():
        found = learner.losses(images, torch.Generator().manual_seed(4))["loss"]
        order = random_order(3, 64, torch.Generator().manual_seed(4))
        guess = method.module(images, order, 16)
    target, _, _ = normalised(method.module.patches(images * 2 - 1))
    hidden = torch.ones(3, 64, dtype=torch.bool).scatter(1, order[:, :16], False)
    torch.testing.assert_close(found, (guess - target).square().mean(dim=2)[hidden].mean())


def test_patches_are_normalised() -> None:
    patches = torch.rand(2, 4, 12)
    values, mean, deviation = normalised(patches)
    torch.testing.assert_close(values * deviation + mean, patches)
    torch.testing.assert_close(values.mean(dim=2), torch.zeros(2, 4), atol=1e-5, rtol=0)
    torch.testing.assert_close(values.std(dim=2), torch.ones(2, 4), atol=1e-3, rtol=0)
    assert torch.isfinite(normalised(torch.ones(1, 1, 12))[0]).all()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"patch": 7}, "expected a divisor of 64"),
        ({"masked": 0.999}, "leaves 0 to see: expected 1 to 63"),
        ({"masked": 0.001}, "leaves 64 to see"),
        ({"patch": 64}, "of 1 patches"),
        ({"width": 100}, "multiple of 64"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        MAEConfig(**settings)
