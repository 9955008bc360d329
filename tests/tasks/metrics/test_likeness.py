"""Likeness of images: by hand, against another library, inside a mask and over the whole image."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from tasks.metrics.likeness import BEST_PSNR, likeness, ssim_map

COUNT, SIZE = 4, 24


@pytest.fixture(scope="module")
def pair() -> tuple[Tensor, Tensor]:
    """Images and others that are like them."""
    rng = torch.Generator().manual_seed(0)
    one = torch.rand(COUNT, 3, SIZE, SIZE, generator=rng)
    return one, (one + 0.2 * torch.randn(one.shape, generator=rng)).clamp(0, 1)


def half() -> np.ndarray:
    mask = np.zeros((COUNT, SIZE, SIZE), dtype=bool)
    mask[:, :, : SIZE // 2] = True
    return mask


def test_by_hand() -> None:
    """Half of the image is off by 0.1, the rest by 0.3."""
    true = torch.full((COUNT, 3, SIZE, SIZE), 0.5)
    made = true + 0.3
    made[..., : SIZE // 2] = 0.4
    found = likeness(made, true, half())
    assert found["psnr"] == pytest.approx([20] * COUNT, abs=1e-4)
    assert found["l1"] == pytest.approx([25.5] * COUNT, rel=1e-5)
    assert found["psnr_whole"] == pytest.approx([-10 * math.log10((0.01 + 0.09) / 2)] * COUNT, abs=1e-4)
    assert found["l1_whole"] == pytest.approx([255 * 0.2] * COUNT, rel=1e-5)


def test_the_same_image_is_as_like_as_can_be(pair: tuple[Tensor, Tensor]) -> None:
    found = likeness(pair[0], pair[0], half())
    for name, best in {"psnr": BEST_PSNR, "ssim": 1, "l1": 0}.items():
        assert found[name] == pytest.approx([best] * COUNT)
        assert found[f"{name}_whole"] == pytest.approx([best] * COUNT)
    assert pytest.approx(58.92, abs=0.01) == BEST_PSNR


def test_only_the_mask_counts_but_for_the_window_of_ssim(pair: tuple[Tensor, Tensor]) -> None:
    made, true = pair
    other = made.clone()
    other[..., SIZE // 2 + 5 :] = 0
    found, changed = likeness(made, true, half()), likeness(other, true, half())
    for name in ("psnr", "ssim", "l1"):
        assert np.array_equal(found[name], changed[name]), name
        assert (np.abs(found[f"{name}_whole"] - changed[f"{name}_whole"]) > 0.01).all(), name


def test_another_library_agrees(pair: tuple[Tensor, Tensor]) -> None:
    from methods.torchvision_compat import declare_missing_operators

    declare_missing_operators()
    from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

    made, true = (images.double() for images in pair)
    found = likeness(*pair, half())
    whole, full = structural_similarity_index_measure(
        made, true, data_range=1.0, reduction="none", return_full_image=True
    )
    np.testing.assert_allclose(found["ssim_whole"], whole.numpy(), rtol=1e-6)
    np.testing.assert_allclose(ssim_map(made, true).numpy(), full.numpy(), rtol=1e-6)
    np.testing.assert_allclose(found["ssim"], full[..., : SIZE // 2].mean(dim=(1, 2, 3)).numpy(), rtol=1e-6)
    expected = [peak_signal_noise_ratio(a, b, data_range=1.0).item() for a, b in zip(made, true, strict=True)]
    assert found["psnr_whole"] == pytest.approx(expected, rel=1e-6)


def test_similarity_by_the_formula(pair: tuple[Tensor, Tensor]) -> None:
    """Wang et al.'s, with means over windows from scipy's Gaussian filter."""
    one, other = (images.double().numpy() for images in pair)

    def mean(values: np.ndarray) -> np.ndarray:
        return np.asarray(gaussian_filter(values, (0, 0, 1.5, 1.5), mode="mirror", radius=(0, 0, 5, 5)))

    a, b = mean(one), mean(other)
    covariance, variances = mean(one * other) - a * b, mean(one**2) - a**2 + mean(other**2) - b**2
    expected = (2 * a * b + 0.01**2) * (2 * covariance + 0.03**2)
    expected /= (a**2 + b**2 + 0.01**2) * (variances + 0.03**2)
    np.testing.assert_allclose(ssim_map(*(images.double() for images in pair)).numpy(), expected, rtol=1e-9)


def test_flat_images_are_as_like_as_their_brightness() -> None:
    """Which float32 misses by thousandths."""
    true = torch.full((COUNT, 3, SIZE, SIZE), 0.9)
    found = likeness(true - 0.4, true, half())
    expected = (2 * 0.9 * 0.5 + 0.01**2) / (0.9**2 + 0.5**2 + 0.01**2)
    for name in ("ssim", "ssim_whole"):
        assert found[name] == pytest.approx([expected] * COUNT, rel=1e-6)


def test_each_image_by_itself(pair: tuple[Tensor, Tensor]) -> None:
    made, true = pair
    found, alone = likeness(made, true, half()), likeness(made[2:3], true[2:3], half()[2:3])
    assert {name: values[2] for name, values in found.items()} == pytest.approx(
        {name: values[0] for name, values in alone.items()}, rel=1e-12
    )
