"""PDR's networks (Unsup3D, supplementary material): one per scene parameter, and one for confidence.

Modules are numbered as in the released code, so that its state dicts load as they are. All take images in [-1, 1] of
64 x 64 pixels, which the strided convolutions reduce to a single vector. Convolutions have no bias.
"""

from jaxtyping import Float
from torch import Tensor, nn

from methods.pdr.config import PARAMETERS, PDRConfig
from methods.pdr.layers import FewChannelsConv, MapToVector, NormActivation, UpsampledConv, VectorToMap

IMAGE_SIZE = 64
LEAK = 0.2
# Values that describe a light (ambient, diffuse, x, y) and a view (three rotations, three translations).
LIGHT_VALUES, VIEW_VALUES = 4, 6

NETWORK_OF = {"geometry": "netD", "albedo": "netA", "light": "netL", "view": "netV"}


def _norm(width: int, multiple: int, slope: float = 0.0) -> tuple[nn.Module, nn.Module]:
    """Group normalisation and activation: 16 groups for every multiple of the base width, whatever that is.

    One module does both; the other keeps the released numbering.
    """
    return NormActivation(16 * multiple, multiple * width, slope), nn.Identity()


def _down(cin: int, cout: int) -> nn.Conv2d:
    return nn.Conv2d(cin, cout, 4, stride=2, padding=1, bias=False)


def _up(cin: int, cout: int) -> nn.ConvTranspose2d:
    return nn.ConvTranspose2d(cin, cout, 4, stride=2, padding=1, bias=False)


def _same(cin: int, cout: int, kernel: int = 3, conv: type[nn.Conv2d] = nn.Conv2d) -> nn.Conv2d:
    return conv(cin, cout, kernel, padding=kernel // 2, bias=False)


def normalised_encoder(nf: int, zdim: int) -> list[nn.Module]:
    """Image (b, 3, 64, 64) -> vector (b, zdim, 1, 1), not negative: 13 modules."""
    return [
        *(_down(3, nf), *_norm(nf, 1, LEAK)),
        *(_down(nf, 2 * nf), *_norm(nf, 2, LEAK)),
        *(_down(2 * nf, 4 * nf), *_norm(nf, 4, LEAK)),
        *(_down(4 * nf, 8 * nf), nn.LeakyReLU(LEAK)),
        *(MapToVector(8 * nf, zdim, 4, bias=False), nn.ReLU()),
    ]


def map_decoder(cout: int, nf: int, zdim: int, activation: nn.Module | None = None) -> list[nn.Module]:
    """Vector (b, zdim, 1, 1) -> map (b, cout, 64, 64), with an activation of its own or none."""
    return [
        *(VectorToMap(zdim, 8 * nf, 4, bias=False), nn.ReLU()),
        *(_same(8 * nf, 8 * nf), nn.ReLU()),
        *(_up(8 * nf, 4 * nf), *_norm(nf, 4)),
        *(_same(4 * nf, 4 * nf), *_norm(nf, 4)),
        *(_up(4 * nf, 2 * nf), *_norm(nf, 2)),
        *(_same(2 * nf, 2 * nf), *_norm(nf, 2)),
        *(_up(2 * nf, nf), *_norm(nf, 1)),
        *(_same(nf, nf), *_norm(nf, 1)),
        nn.Identity(),  # released: a twofold enlargement, here part of the next layer
        *(_same(nf, nf, conv=UpsampledConv), *_norm(nf, 1)),
        *(_same(nf, nf, 5), *_norm(nf, 1)),
        _same(nf, cout, 5, FewChannelsConv),
        *([activation] if activation is not None else []),
    ]


class EncoderDecoder(nn.Module):
    """Image to a map of the same size, through a vector (geometry: 1 channel; albedo: 3 with tanh).

    Parameters
    ----------
    cout: channels of the map.
    nf: base width; zdim: size of the vector.
    activation: applied to the map, or None.
    """

    def __init__(self, cout: int, nf: int, zdim: int, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.network_down = nn.Sequential(*normalised_encoder(nf, zdim))
        self.network_up = nn.Sequential(*map_decoder(cout, nf, zdim, activation))

    def encoder_part(self) -> nn.Module:
        """What computes the feature, (b, zdim, 1, 1): up to the last encoder convolution and its ReLU."""
        return self.network_down

    def encode(self, images: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b d"]:
        """The feature, flat."""
        features: Tensor = self.encoder_part()(images)
        return features.flatten(1)

    def decode(self, features: Float[Tensor, "b d"]) -> Float[Tensor, "b c 64 64"]:
        """The map that a feature stands for."""
        decoded: Tensor = self.network_up(features[:, :, None, None])
        return decoded


class Encoder(nn.Module):
    """Image to a few values (light: 4, view: 6) through a vector of 8 nf values.

    PDR ends the encoder with tanh after its last ReLU and leaves the values free; Unsup3D bounds the values with tanh
    instead. The value layer is called `conv` in PDR's state dicts and `network.10` in Unsup3D's, and here likewise, so
    that weights of one cannot be taken for weights of the other.
    """

    def __init__(self, cout: int, nf: int, *, bounded: bool) -> None:
        super().__init__()
        values = nn.Conv2d(8 * nf, cout, 1, bias=False)
        layers = [
            *(_down(3, nf), nn.ReLU()),
            *(_down(nf, 2 * nf), nn.ReLU()),
            *(_down(2 * nf, 4 * nf), nn.ReLU()),
            *(_down(4 * nf, 8 * nf), nn.ReLU()),
            *(MapToVector(8 * nf, 8 * nf, 4, bias=False), nn.ReLU()),
        ]
        self.bounded = bounded
        self.network = nn.Sequential(*layers, values if bounded else nn.Tanh())
        if not bounded:
            self.conv = values

    def encoder_part(self) -> nn.Module:
        """What computes the feature, (b, 8 nf, 1, 1): up to the last convolution and its activation."""
        return self.network[:10] if self.bounded else self.network

    def encode(self, images: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b d"]:
        """The feature, flat."""
        features: Tensor = self.encoder_part()(images)
        return features.flatten(1)

    def decode(self, features: Float[Tensor, "b d"]) -> Float[Tensor, "b c"]:
        """The values that a feature stands for, in [-1, 1] where they are bounded."""
        layer = self.network[10] if self.bounded else self.conv
        values: Tensor = layer(features[:, :, None, None]).flatten(1)
        return values.tanh() if self.bounded else values


class ConfidenceNet(nn.Module):
    """Image to the standard deviations of the two reconstructions' errors: (image, mirrored image) as 2 channels.

    Returns them, positive, for pixels (b, 2, 64, 64) and for VGG-16's relu3_3 (b, 2, 16, 16).
    """

    def __init__(self, nf: int, zdim: int) -> None:
        super().__init__()
        self.network = nn.Sequential(
            *normalised_encoder(nf, zdim),
            *(VectorToMap(zdim, 8 * nf, 4, bias=False), nn.ReLU()),
            *(_up(8 * nf, 4 * nf), *_norm(nf, 4)),
            *(_up(4 * nf, 2 * nf), *_norm(nf, 2)),
        )
        self.out_net1 = nn.Sequential(
            *(_up(2 * nf, nf), *_norm(nf, 1)),
            *(_up(nf, nf), *_norm(nf, 1)),
            *(_same(nf, 2, 5, FewChannelsConv), nn.Softplus()),
        )
        self.out_net2 = nn.Sequential(_same(2 * nf, 2, conv=FewChannelsConv), nn.Softplus())

    def forward(
        self, images: Float[Tensor, "b 3 64 64"]
    ) -> tuple[Float[Tensor, "b 2 64 64"], Float[Tensor, "b 2 16 16"]]:
        """Both maps of deviations."""
        hidden = self.network(images)
        return self.out_net1(hidden), self.out_net2(hidden)


def encoder_maps(encoder: nn.Module, images: Float[Tensor, "b 3 64 64"]) -> list[Float[Tensor, "b _ _ _"]]:
    """What an `encoder_part` has of images on its way to the vector: the maps that enter its convolutions."""
    found, x = list[Tensor](), images
    for layer in encoder.children():
        if isinstance(layer, nn.Conv2d) and x is not images:
            found.append(x)
            if isinstance(layer, MapToVector):
                break
        x = layer(x)
    return found


class Networks(nn.Module):
    """All of a model's networks under their released names: netD, netA, netL, netV, and netC where it has one."""

    netC: ConfidenceNet | None

    def __init__(self, config: PDRConfig) -> None:
        super().__init__()
        self.netD = EncoderDecoder(1, config.nf, config.zdim)
        self.netA = EncoderDecoder(3, config.nf, config.zdim, nn.Tanh())
        self.netL = Encoder(LIGHT_VALUES, config.nf_encoder, bounded=config.bounded_outputs)
        self.netV = Encoder(VIEW_VALUES, config.nf_encoder, bounded=config.bounded_outputs)
        self.netC = ConfidenceNet(config.nf_confidence, config.zdim_confidence) if config.confidence else None

    def of(self, parameter: str) -> EncoderDecoder | Encoder:
        """The network of a scene parameter."""
        network: EncoderDecoder | Encoder = getattr(self, NETWORK_OF[parameter])
        return network

    def features(self, images: Float[Tensor, "b 3 64 64"], which: tuple[str, ...] = PARAMETERS) -> dict[str, Tensor]:
        """Features (b, 256) of each scene parameter in `which`; no other encoder runs."""
        return {name: self.of(name).encode(images) for name in which}
