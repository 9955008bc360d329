"""StyleGAN2's and e4e's networks: size, equivalent formulations, what the generator exposes."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from methods.stylegan2.architecture import FFHQ, Architecture
from methods.stylegan2.e4e import Encoder
from methods.stylegan2.generator import Generator, Modulated
from methods.stylegan2.modulation import ModulatedConv2d
from methods.stylegan2.networks import Networks
from methods.stylegan2.upfirdn import fir_kernel, upfirdn

SMALL = Architecture(
    resolution=32,
    style_dim=16,
    mapping_layers=2,
    max_channels=12,
    channel_base=256,
    encoder_width=4,
    encoder_units=(1, 2, 1, 1),
)


def count(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameter_counts() -> None:
    with torch.device("meta"):
        generator, encoder = count(Generator(FFHQ)), count(Encoder(FFHQ))
    assert (generator, encoder) == (30_370_060, 267_136_704)
    assert generator + encoder == 297_506_764


def test_style_space_of_the_full_generator() -> None:
    with torch.device("meta"):
        layers = Generator(FFHQ).layers
    assert len(layers) == 26
    assert sum(layer.channels for layer in layers) == 9088
    assert [layer.side for layer in layers[:6]] == [4, 4, 4, 8, 8, 8]
    # Layer 11 is the last that takes in 32 px; RIS clusters what goes into it.
    assert [layer.side for layer in layers[8:13]] == [16, 32, 32, 32, 64]
    assert [layer.to_rgb for layer in layers] == [False, True] + [False, False, True] * 8


@pytest.mark.parametrize("resolution", [16, 48])
def test_only_powers_of_two(resolution: int) -> None:
    with pytest.raises(ValueError, match="power of two"):
        Architecture(resolution=resolution)


@pytest.mark.parametrize(("up", "down", "padding"), [(1, 1, (2, 1)), (2, 1, (2, 1)), (1, 2, (1, 1)), (3, 2, (4, 0))])
def test_upfirdn_equals_its_definition(up: int, down: int, padding: tuple[int, int]) -> None:
    """Zeros inserted, padded, convolved with the kernel as written (not correlated), every `down`-th kept."""
    torch.manual_seed(0)
    x, kernel = torch.randn(2, 3, 7, 7), torch.randn(4, 4)
    spread = torch.zeros(2, 3, 7 * up, 7 * up)
    spread[:, :, ::up, ::up] = x
    padded = F.pad(spread, (*padding, *padding))
    expected = F.conv2d(padded, kernel.flip(0, 1).expand(3, 1, 4, 4), groups=3)[:, :, ::down, ::down]
    torch.testing.assert_close(upfirdn(x, kernel, up=up, down=down, padding=padding), expected)


def test_fir_kernel_keeps_a_constant() -> None:
    x = torch.full((1, 1, 9, 9), 3.0)
    torch.testing.assert_close(upfirdn(x, fir_kernel()), torch.full((1, 1, 6, 6), 3.0))


@pytest.mark.parametrize("upsample", [False, True])
def test_modulation_equals_the_papers_equations(upsample: bool) -> None:
    """Equations 1 and 3: weights of each image scaled by its style, then divided by their norm."""
    torch.manual_seed(0)
    conv = ModulatedConv2d(5, 7, 3, 4, upsample=upsample)
    x, style = torch.randn(3, 5, 8, 8), conv.modulation(torch.randn(3, 4))
    got = conv(x, style)
    for i in range(3):
        weight = conv.weight[0] / math.sqrt(5 * 9) * style[i][None, :, None, None]
        weight = weight / (weight.square().sum(dim=(1, 2, 3), keepdim=True) + 1e-8).sqrt()
        if upsample:
            wide = F.conv_transpose2d(x[i : i + 1], weight.transpose(0, 1), stride=2)
            expected = upfirdn(wide, fir_kernel(4.0), padding=(1, 1))
        else:
            expected = F.conv2d(x[i : i + 1], weight, padding=1)
        torch.testing.assert_close(got[i : i + 1], expected, rtol=1e-4, atol=1e-5)


def test_observer_sees_what_goes_into_each_layer() -> None:
    torch.manual_seed(0)
    generator = Generator(SMALL)
    seen: list[Modulated] = []
    w_plus = torch.randn(2, SMALL.styles, 16)
    image = generator.synthesize(w_plus, observe=seen.append)
    assert image.shape == (2, 3, 32, 32)
    assert [entry.index for entry in seen] == list(range(len(generator.layers)))
    for entry, layer in zip(seen, generator.layers, strict=True):
        assert entry.activation.shape == (2, layer.channels, layer.side, layer.side)
        assert entry.style.shape == (2, layer.channels)
    styles = torch.cat([entry.style for entry in seen], dim=1)
    assert torch.equal(styles, generator.style_space(w_plus))
    # A toRGB takes in what the next convolution does.
    assert torch.equal(seen[4].activation, seen[5].activation)


def test_each_style_steers_its_own_layers() -> None:
    """W+ in the published order: a toRGB shares its style with the next side's first convolution."""
    generator = Generator(SMALL)
    base = torch.randn(1, SMALL.styles, 16)
    for style in range(SMALL.styles):
        changed = base.clone()
        changed[:, style] += 1
        different = (generator.style_space(base) != generator.style_space(changed)).squeeze(0)
        sizes = [layer.channels for layer in generator.layers]
        touched = [bool(part.any()) for part in different.split(sizes)]
        assert touched == [layer.latent == style for layer in generator.layers]


def test_noise_is_stored_or_drawn_from_the_generator() -> None:
    generator = Generator(SMALL)
    for conv in [generator.conv1, *generator.convs]:
        torch.nn.init.ones_(conv.noise.weight)
    z = torch.randn(2, 16)

    def drawn(seed: int) -> Tensor:
        return generator(z, noise=torch.Generator().manual_seed(seed))

    assert torch.equal(generator(z), generator(z))
    assert torch.equal(drawn(1), drawn(1))
    assert not torch.allclose(drawn(1), drawn(2))


def test_stages_free_one_offset_after_the_other() -> None:
    """Progressive training: until its stage, a style is the first one's."""
    encoder = Encoder(SMALL).eval()
    images = torch.rand(2, 3, 32, 32) * 2 - 1
    full = encoder(images)
    assert full.shape == (2, SMALL.styles, 16)
    for stage in range(SMALL.styles):
        codes = encoder(images, stage=stage)
        torch.testing.assert_close(codes[:, : stage + 1], full[:, : stage + 1])
        assert codes[:, stage + 1 :].eq(codes[:, :1]).all()


def test_average_latent_is_taken_where_the_generator_is() -> None:
    """On a GPU, training moves the generator there alone; the meta device stands for the other one."""
    networks = Networks(SMALL)
    networks.latent_avg = networks.latent_avg.to("meta")
    networks.average_latent()
    assert networks.latent_avg.is_meta
