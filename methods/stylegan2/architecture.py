"""Sizes of a StyleGAN2 generator and of the e4e encoder on top of it."""

from dataclasses import dataclass

# Side of the constant that every generator starts from, and of the encoder's input at full size, in pixels.
START = 4
ENCODER_INPUT = 256


@dataclass(frozen=True)
class Architecture:
    """A generator and its encoder; the defaults are those of the official FFHQ weights (config F, 1024 px).

    Parameters
    ----------
    resolution: side of the generated images, a power of two of at least 32.
    style_dim: dimension of z, w and of each style of W+.
    mapping_layers: fully connected layers from z to w.
    max_channels, channel_base: a layer of r px has min(max_channels, channel_base / r) channels.
    encoder_width: channels of the encoder's first stage; the next three have 2, 4 and 8 times as many.
    encoder_units: residual units of the encoder's four stages; (3, 4, 14, 3) is a ResNet-50.
    """

    resolution: int = 1024
    style_dim: int = 512
    mapping_layers: int = 8
    max_channels: int = 512
    channel_base: int = 32768
    encoder_width: int = 64
    encoder_units: tuple[int, int, int, int] = (3, 4, 14, 3)

    def __post_init__(self) -> None:
        if self.resolution < 32 or self.resolution & (self.resolution - 1):
            raise ValueError(f"resolution {self.resolution}: expected a power of two of at least 32")
        if self.channel_base < self.resolution:
            raise ValueError(
                f"channel_base {self.channel_base} leaves layers of {self.resolution} px without a channel: "
                "expected at least as many"
            )
        if min(self.encoder_units) < 0:
            raise ValueError(f"encoder_units {self.encoder_units}: expected numbers of residual units, 0 or more")

    @property
    def sides(self) -> list[int]:
        """Sides of the generator's feature maps, 4, 8, ..., resolution."""
        return [2**power for power in range(2, self.resolution.bit_length())]

    @property
    def styles(self) -> int:
        """Styles of a W+ code: two per side, 18 at 1024 px."""
        return 2 * len(self.sides)

    @property
    def encoder_input(self) -> int:
        """Side of the images that the encoder takes: 256 px, or the generator's own where that is less."""
        return min(ENCODER_INPUT, self.resolution)

    def channels(self, side: int) -> int:
        """Channels of the generator's (and the discriminator's) layers of `side` px."""
        return min(self.max_channels, self.channel_base // side)


FFHQ = Architecture()
