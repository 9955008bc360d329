"""StyleGAN2's generator and e4e's encoder against the published implementations, on weights made by rule."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from methods.stylegan2.architecture import FFHQ, Architecture
from methods.stylegan2.e4e import Encoder
from methods.stylegan2.generator import Generator


def close(image: Tensor, expected: np.ndarray) -> None:
    """Equal up to a thousandth of the image's standard deviation."""
    assert np.abs(image.numpy() - expected).max() < 1e-3 * expected.std()


@pytest.mark.golden("stylegan2_generator_*.npz")
@torch.inference_mode()
def test_generator(golden_file: Path, golden_weights: Callable[..., None]) -> None:
    golden = np.load(golden_file)
    generator = Generator(Architecture(resolution=golden["image_from_z"].shape[-1]))
    golden_weights(generator, kind="generator")
    z, w_plus = torch.from_numpy(golden["z"]), torch.from_numpy(golden["w_plus"])

    np.testing.assert_allclose(generator.style(z).numpy(), golden["w"], rtol=0, atol=1e-4)
    close(generator(z), golden["image_from_z"])
    close(generator.synthesize(w_plus), golden["image_from_w_plus"])


@pytest.mark.golden("e4e_encoder.npz")
@torch.inference_mode()
def test_encoder(golden_file: Path, golden_weights: Callable[..., None]) -> None:
    golden = np.load(golden_file)
    with torch.device("meta"):
        encoder = Encoder(FFHQ)
    golden_weights(encoder, kind="encoder")
    delta = encoder(torch.from_numpy(golden["image"]))
    np.testing.assert_allclose(delta.numpy(), golden["w_plus_delta"], rtol=0, atol=1e-4)


@pytest.mark.golden("ris_1024.npz")
@torch.inference_mode()
def test_style_space(golden_file: Path, golden_weights: Callable[..., None]) -> None:
    golden = np.load(golden_file)
    with torch.device("meta"):
        generator = Generator(FFHQ)
    golden_weights(generator, kind="generator")
    style = generator.style_space(torch.from_numpy(golden["w_plus"]))
    np.testing.assert_allclose(style.numpy(), golden["style"], rtol=1e-4, atol=1e-4)


@pytest.mark.golden("checkpoint_keys.json")
@pytest.mark.parametrize(("name", "cls"), [("stylegan2_generator_1024", Generator), ("e4e_encoder_1024", Encoder)])
def test_keys_and_shapes(golden_file: Path, name: str, cls: type[nn.Module]) -> None:
    import json

    with torch.device("meta"):
        state = cls(FFHQ).state_dict()
    assert {key: list(value.shape) for key, value in state.items()} == json.loads(golden_file.read_text())[name]
