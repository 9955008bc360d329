"""Networks small enough for tests, and files of the official structure that hold them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from methods.stylegan2.architecture import Architecture
from methods.stylegan2.config import StyleGAN2E4EConfig
from methods.stylegan2.networks import Networks

SMALL: dict[str, Any] = {
    "style_dim": 16,
    "mapping_layers": 2,
    "max_channels": 12,
    "channel_base": 256,
    "encoder_width": 4,
    "encoder_units": (1, 2, 1, 1),
}

Official = tuple[dict[str, Any], dict[str, Any]]


@pytest.fixture
def architecture() -> Architecture:
    return Architecture(resolution=32, **SMALL)


@pytest.fixture
def settings() -> Callable[..., StyleGAN2E4EConfig]:
    """A small configuration that takes finished weights; the arguments are other settings."""
    return lambda **changed: StyleGAN2E4EConfig(**{"resolution": 32, **SMALL, **changed})


@pytest.fixture
def official(architecture: Architecture) -> Official:
    """What the generator's and the encoder's official files hold, with random tensors."""
    torch.manual_seed(0)
    inverted, other = Networks(architecture), Networks(architecture)
    state: dict[str, Tensor] = {f"encoder.{key}": value for key, value in inverted.encoder.state_dict().items()}
    state |= {f"decoder.{key}": value for key, value in inverted.generator.state_dict().items()}
    average = torch.randn(architecture.styles, architecture.style_dim)
    encoder = {"state_dict": state, "latent_avg": average, "opts": {"lr": 1e-4, "start_from_latent_avg": True}}
    return {"g_ema": other.generator.state_dict(), "latent_avg": average[0].clone()}, encoder


@pytest.fixture
def files(official: Official, tmp_path: Path) -> Path:
    """A folder with both official files."""
    generator, encoder = official
    torch.save(generator, tmp_path / "stylegan2-ffhq-config-f.pt")
    torch.save(encoder, tmp_path / "e4e_ffhq_encode.pt")
    return tmp_path
