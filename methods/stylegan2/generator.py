"""StyleGAN2's generator: mapping network and synthesis with skip connections to RGB.

Karras et al., "Analyzing and Improving the Image Quality of StyleGAN", CVPR 2020 (figure 2c, skip architecture of
figure 7b). Parameters and buffers are named and shaped as in the common PyTorch checkpoints, so that those load.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.stylegan2.architecture import START, Architecture
from methods.stylegan2.layers import EqualLinear, PixelNorm, ScaledLeakyReLU
from methods.stylegan2.modulation import ModulatedConv2d
from methods.stylegan2.upfirdn import Upsample

# Where the noise of synthesis comes from: the maps of the checkpoint (None), a source of fresh ones on the CPU, or
# maps (n, 1, side, side) of one image for all or one for each, in the order of the convolutions.
Noise = torch.Generator | Sequence[Tensor] | None


@dataclass(frozen=True)
class StyleLayer:
    """One modulation layer: its side in pixels, its channels, whether it is a toRGB, and its style's place in W+."""

    side: int
    channels: int
    to_rgb: bool
    latent: int


@dataclass(frozen=True)
class Modulated:
    """What goes into one modulation layer: the activations, and the style that scales their channels."""

    index: int
    style: Float[Tensor, "b c"]
    activation: Float[Tensor, "b c h w"]


class ConstantInput(nn.Module):
    """The learned 4x4 map that synthesis starts from."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, channels, START, START))

    def forward(self, batch: int) -> Float[Tensor, "b c 4 4"]:
        """The map, once per image of a batch."""
        # Channels-last order, which everything computed from it inherits, makes synthesis a quarter faster on a CPU.
        return self.input.expand(batch, -1, -1, -1).contiguous(memory_format=torch.channels_last)


class NoiseInjection(nn.Module):
    """Adds one noise map, scaled by one learned weight, to all channels."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, x: Float[Tensor, "b c h w"], noise: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "b c h w"]:
        """The map with noise of one map for all images, or one each."""
        return x + (self.weight * noise).to(x.dtype)


class StyledConv(nn.Module):
    """Modulated convolution, noise, bias and activation."""

    def __init__(self, cin: int, cout: int, style_dim: int, *, upsample: bool = False) -> None:
        super().__init__()
        self.conv = ModulatedConv2d(cin, cout, 3, style_dim, upsample=upsample)
        self.noise = NoiseInjection()
        self.activate = ScaledLeakyReLU(cout)

    def forward(
        self, x: Float[Tensor, "b c h w"], style: Float[Tensor, "b c"], noise: Float[Tensor, "n 1 u v"]
    ) -> Float[Tensor, "b d u v"]:
        """The layer's output; twice as large where it upsamples."""
        activated: Tensor = self.activate(self.noise(self.conv(x, style), noise))
        return activated


class ToRGB(nn.Module):
    """An RGB image from a feature map, added to the upsampled image of the side before."""

    def __init__(self, cin: int, style_dim: int, *, first: bool = False) -> None:
        super().__init__()
        if not first:
            self.upsample = Upsample()
        self.conv = ModulatedConv2d(cin, 3, 1, style_dim, demodulate=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))

    def forward(
        self, x: Float[Tensor, "b c h w"], style: Float[Tensor, "b c"], skip: Float[Tensor, "b 3 u v"] | None
    ) -> Float[Tensor, "b 3 h w"]:
        """The image so far; `skip` is that of the side before, None at the first."""
        rgb: Tensor = self.conv(x, style).float() + self.bias
        if skip is None:
            return rgb
        before: Tensor = self.upsample(skip)
        return rgb + before


class Generator(nn.Module):
    """z or W+ to images in about [-1, 1].

    Attributes
    ----------
    layers: the modulation layers in the order of synthesis (4 px: one convolution and toRGB; then two and toRGB).
        26 at 1024 px, with 9,088 channels in all: the style space S of Wu et al. ("StyleSpace Analysis", CVPR 2021).
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        dim, channels = architecture.style_dim, architecture.channels
        mapping = [EqualLinear(dim, dim, rate=0.01, activate=True) for _ in range(architecture.mapping_layers)]
        self.style = nn.Sequential(PixelNorm(), *mapping)
        self.input = ConstantInput(channels(START))
        self.conv1 = StyledConv(channels(START), channels(START), dim)
        self.to_rgb1 = ToRGB(channels(START), dim, first=True)
        self.convs = nn.ModuleList()
        self.to_rgbs = nn.ModuleList()
        self.noises = nn.Module()
        self.noises.register_buffer("noise_0", torch.randn(1, 1, START, START))
        self.layers = [StyleLayer(START, channels(START), False, 0), StyleLayer(START, channels(START), True, 1)]
        for side in architecture.sides[1:]:
            cin, cout, latent = channels(side // 2), channels(side), len(self.convs) + 1
            self.convs += [StyledConv(cin, cout, dim, upsample=True), StyledConv(cout, cout, dim)]
            self.to_rgbs.append(ToRGB(cout, dim))
            for index in (latent, latent + 1):
                self.noises.register_buffer(f"noise_{index}", torch.randn(1, 1, side, side))
            self.layers += [
                # The first convolution of a side takes in the maps of the side before.
                StyleLayer(side // 2, cin, False, latent),
                StyleLayer(side, cout, False, latent + 1),
                StyleLayer(side, cout, True, latent + 2),
            ]

    def forward(
        self, z: Float[Tensor, "b style"], *, noise: torch.Generator | None = None
    ) -> Float[Tensor, "b 3 side side"]:
        """Images from latents z ~ N(0, 1)."""
        return self.synthesize(self.broadcast(self.style(z)), noise=noise)

    def broadcast(self, w: Float[Tensor, "b style"]) -> Float[Tensor, "b layers style"]:
        """The code of W+ that has the same w everywhere."""
        return w[:, None].expand(-1, self.architecture.styles, -1)

    def style_space(self, w_plus: Float[Tensor, "b layers style"]) -> Float[Tensor, "b channels"]:
        """S: the outputs of all modulation layers (toRGB included), concatenated in the order of synthesis."""
        return torch.cat(self._styles(w_plus), dim=1)

    def synthesize(
        self,
        w_plus: Float[Tensor, "b layers style"],
        *,
        noise: Noise = None,
        observe: Callable[[Modulated], None] | None = None,
        last: int | None = None,
    ) -> Float[Tensor, "b 3 side side"]:
        """Images from codes in W+.

        Parameters
        ----------
        noise: where noise comes from, see `Noise`; the same maps, those of the checkpoint, by default.
        observe: called before each modulation layer with what goes into it, in the order of `layers`. At 1024 px all
            activations of one image together take 0.6 GB, so an observer had better keep what it computes of them.
        last: the modulation layer, of 2 or later, with whose observation synthesis ends; the image is then that of
            the side before.
        """
        styles = self._styles(w_plus)
        index = 0

        def modulated(x: Tensor) -> Tensor:
            nonlocal index
            style = styles[index]
            if observe is not None:
                observe(Modulated(index, style, x))
            index += 1
            return style

        def noise_at(number: int) -> Tensor:
            stored = self.noises.get_buffer(f"noise_{number}")
            if noise is None:
                return stored
            if not isinstance(noise, torch.Generator):
                return noise[number]
            return torch.randn(len(w_plus), *stored.shape[1:], generator=noise).to(stored.device)

        x = self.input(len(w_plus))
        x = self.conv1(x, modulated(x), noise_at(0))
        image: Tensor = self.to_rgb1(x, modulated(x), None)
        for number, to_rgb in enumerate(self.to_rgbs):
            for conv in (2 * number, 2 * number + 1):
                style = modulated(x)
                if index - 1 == last:
                    return image
                x = self.convs[conv](x, style, noise_at(conv + 1))
            style = modulated(x)
            if index - 1 == last:
                return image
            image = to_rgb(x, style, image)
        return image

    def _styles(self, w_plus: Float[Tensor, "b layers style"]) -> list[Tensor]:
        """The output of each modulation layer, (b, channels of that layer)."""
        modules: list[nn.Module] = [self.conv1, self.to_rgb1]
        for number, to_rgb in enumerate(self.to_rgbs):
            modules += [self.convs[2 * number], self.convs[2 * number + 1], to_rgb]
        return [
            module.get_submodule("conv.modulation")(w_plus[:, layer.latent])
            for module, layer in zip(modules, self.layers, strict=True)
        ]
