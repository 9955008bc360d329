"""PDR's networks: sizes, features, layers against their plain forms."""

import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn
from torch.nn import functional as F

from methods.pdr.config import PDRConfig
from methods.pdr.layers import FewChannelsConv, MapToVector, NormActivation, UpsampledConv, VectorToMap
from methods.pdr.networks import Encoder, Networks

PAPER = {"netD": 12_979_648, "netA": 12_982_848, "netL": 1_739_264, "netV": 1_739_776}


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameter_counts_are_the_papers() -> None:
    with torch.device("meta"):
        networks = Networks(PDRConfig())
    found = {name: count(getattr(networks, name)) for name in PAPER}
    assert found == PAPER
    assert sum(found.values()) == 29_441_536
    assert count(networks.netC) == 7_678_208


def test_a_model_without_confidence_has_no_network_for_it() -> None:
    with torch.device("meta"):
        networks = Networks(PDRConfig(confidence=False))
    assert count(networks) == 29_441_536
    assert not any(name.startswith("netC") for name in networks.state_dict())


def test_bounded_outputs_have_unsup3ds_layout() -> None:
    """tanh moves from the feature to the values, and the value layer bears Unsup3D's name."""
    torch.manual_seed(0)
    image = torch.rand(2, 3, 64, 64) * 2 - 1
    free, bounded = (Encoder(4, 8, bounded=bounded) for bounded in (False, True))
    assert {"conv.weight"} == set(free.state_dict()) - set(bounded.state_dict())
    assert {"network.10.weight"} == set(bounded.state_dict()) - set(free.state_dict())
    bounded.network[:10].load_state_dict({k: v for k, v in free.network.state_dict().items() if k != "10.weight"})
    torch.testing.assert_close(bounded.encode(image).tanh(), free.encode(image))
    large = torch.full((1, 64), 1e3)
    assert bounded.decode(large).abs().max() <= 1
    assert free.decode(large).abs().max() > 1


def test_width_must_suit_the_groups() -> None:
    with pytest.raises(ValidationError, match="multiple of 16"):
        PDRConfig(nf=24)


def gradients(module: nn.Module, image: Tensor, seed: int = 1) -> list[Tensor]:
    """Output, and gradients w.r.t. the input and the parameters, of a random linear function of the output."""
    image = image.clone(memory_format=torch.preserve_format).requires_grad_()
    out = module(image)
    direction = torch.randn(out.shape, generator=torch.Generator().manual_seed(seed)).bfloat16().float()
    found = torch.autograd.grad((out.float() * direction).sum(), [image, *module.parameters()])
    return [out, *found]


@pytest.mark.parametrize(
    ("fast", "plain", "shape"),
    [
        (MapToVector(8, 5, 4, bias=False), nn.Conv2d(8, 5, 4, bias=False), (3, 8, 4, 4)),
        (VectorToMap(8, 5, 4, bias=False), nn.ConvTranspose2d(8, 5, 4, bias=False), (3, 8, 1, 1)),
        (
            UpsampledConv(4, 6, 3, padding=1, bias=False),
            nn.Sequential(nn.Upsample(scale_factor=2), nn.Conv2d(4, 6, 3, padding=1, bias=False)),
            (2, 4, 6, 8),
        ),
        (FewChannelsConv(4, 3, 5, padding=2, bias=False), nn.Conv2d(4, 3, 5, padding=2, bias=False), (2, 4, 8, 6)),
        (FewChannelsConv(4, 2, 3, padding=1, bias=False), nn.Conv2d(4, 2, 3, padding=1, bias=False), (2, 4, 8, 6)),
        (NormActivation(2, 6, 0.2), nn.Sequential(nn.GroupNorm(2, 6), nn.LeakyReLU(0.2)), (2, 6, 5, 7)),
    ],
    ids=["map to vector", "vector to map", "upsampled", "few channels 5", "few channels 3", "norm"],
)
def test_layers_equal_the_plain_ones(fast: nn.Module, plain: nn.Module, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    with torch.no_grad():
        for mine, theirs in zip(fast.parameters(), plain.parameters(), strict=True):
            mine.copy_(theirs.normal_())
    image = torch.randn(shape)
    for ours, expected in zip(gradients(fast, image), gradients(plain, image), strict=True):
        torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("channels", "groups", "side", "slope"), [(16, 16, 8, 0.2), (32, 8, 4, 0.0), (48, 48, 4, 0.2), (128, 64, 2, 0.0)]
)
def test_compiled_norm_equals_torchs(channels: int, groups: int, side: int, slope: float) -> None:
    """bfloat16 in and out, float32 between: within the rounding of the result, whose step is 2^-8 of it."""
    torch.manual_seed(0)
    image = torch.randn(5, channels, side, side) * 3 + torch.randn(channels, 1, 1) * 2
    image = image.bfloat16().contiguous(memory_format=torch.channels_last)
    norm = NormActivation(groups, channels, slope)
    with torch.no_grad():
        norm.weight.normal_()
        norm.bias.normal_()
    ours = gradients(norm, image)
    assert ours[0].dtype == torch.bfloat16
    assert ours[0].is_contiguous(memory_format=torch.channels_last)

    exact = image.double()
    wide = NormActivation(groups, channels, slope).double()
    wide.load_state_dict(norm.state_dict())
    for found, expected in zip(ours, gradients(wide, exact), strict=True):
        torch.testing.assert_close(found.double(), expected, rtol=2**-7, atol=2**-7)


def test_compiled_norm_is_the_same_for_any_number_of_threads() -> None:
    torch.manual_seed(0)
    image = torch.randn(9, 16, 8, 8).bfloat16().contiguous(memory_format=torch.channels_last)
    norm = NormActivation(16, 16)
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.append(gradients(norm, image))
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(one, two) for one, two in zip(*found, strict=True))


def test_compiled_norm_passes_nan_on() -> None:
    image = torch.randn(2, 16, 8, 8).bfloat16().contiguous(memory_format=torch.channels_last)
    image[0, 3, 0, 0] = float("nan")
    out = NormActivation(16, 16)(image)
    assert out[0, 3].isnan().all()
    assert F.relu(out[1]).isfinite().all()
