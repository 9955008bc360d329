"""A masked autoencoder (He et al., CVPR 2022): a small Vision Transformer of timm's sees a quarter of an image."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float, Int
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.streams import seed_for
from methods.base import Domain, Losses
from methods.pdr.networks import IMAGE_SIZE
from methods.ranges import signed, unsigned
from methods.selfsupervised.config import ControlConfig
from methods.selfsupervised.twin import Control, ControlLearner
from methods.torchvision_compat import declare_missing_operators

if TYPE_CHECKING:
    from timm.models import VisionTransformer

# Values of a head of attention, in the encoder and in the decoder.
HEAD = 64
# Keeps the deviation of a patch of one colour from 0.
LEAST_VARIANCE = 1e-6


class MAEConfig(ControlConfig):
    """A small Vision Transformer whose class token and mean patch, 256 values each, are as many features as PDR's."""

    width: int = Field(256, gt=0, multiple_of=HEAD, description="values of a token; features are twice as many")
    depth: int = Field(6, gt=0, description="blocks of the encoder")
    decoder_width: int = Field(128, gt=0, multiple_of=HEAD, description="values of a token in the decoder")
    decoder_depth: int = Field(2, gt=0, description="blocks of the decoder")
    patch: int = Field(8, gt=0, description="side of a patch in pixels, of which an image of 64 has a whole number")
    masked: float = Field(0.75, gt=0, lt=1, description="share of the patches that the encoder does not see")

    @model_validator(mode="after")
    def _fills_the_image(self) -> "MAEConfig":
        """Refuse patches that do not fill the image, or of which none is left to see or to guess."""
        if IMAGE_SIZE % self.patch:
            raise ValueError(f"patch={self.patch}: expected a divisor of {IMAGE_SIZE}")
        if not 0 < self.seen < self.patches:
            raise ValueError(
                f"masked={self.masked:g} of {self.patches} patches leaves {self.seen} to see: expected 1 to "
                f"{self.patches - 1}"
            )
        return self

    @property
    def patches(self) -> int:
        """Patches of an image."""
        return (IMAGE_SIZE // self.patch) ** 2

    @property
    def seen(self) -> int:
        """Patches that the encoder sees in training."""
        return round(self.patches * (1 - self.masked))


class TokenEncoder(nn.Module):
    """Images in [0, 1] to features: the class token and the mean of the patches, (b, 2 width)."""

    def __init__(self, vit: "VisionTransformer") -> None:
        super().__init__()
        self.vit = vit

    def tokens(
        self, images: Float[Tensor, "b 3 64 64"], seen: Int[Tensor, "b k"] | None = None
    ) -> Float[Tensor, "b t d"]:
        """The class token and those of all patches, or of the patches `seen` alone."""
        vit = self.vit
        places, first = vit.pos_embed, vit.cls_token
        assert places is not None, "the transformer knows places"
        assert first is not None, "the transformer has a class token"
        patches: Tensor = vit.patch_embed(signed(images)) + places[:, 1:]
        if seen is not None:
            patches = patches.gather(1, seen[:, :, None].expand(-1, -1, patches.shape[2]))
        leading = (first + places[:, :1]).expand(len(images), -1, -1).to(patches.dtype)
        found: Tensor = vit.norm(vit.blocks(torch.cat([leading, patches], dim=1)))
        return found

    def forward(self, images: Float[Tensor, "b 3 64 64"]) -> Float[Tensor, "b d"]:
        """The features."""
        tokens = self.tokens(images)
        return torch.cat([tokens[:, 0], tokens[:, 1:].mean(dim=1)], dim=1)


class MaskedAutoencoder(nn.Module):
    """The encoder, and a decoder that guesses the pixels of every patch from the tokens of those seen."""

    def __init__(self, config: MAEConfig) -> None:
        super().__init__()
        declare_missing_operators()
        from timm.models.vision_transformer import Block, VisionTransformer

        self.patch = config.patch
        vit = VisionTransformer(
            img_size=IMAGE_SIZE,
            patch_size=config.patch,
            embed_dim=config.width,
            depth=config.depth,
            num_heads=config.width // HEAD,
            num_classes=0,
        )
        self.encoder = TokenEncoder(vit)
        width = config.decoder_width
        self.narrow = nn.Linear(config.width, width)
        self.hidden = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.places = nn.Parameter(0.02 * torch.randn(1, config.patches + 1, width))
        self.blocks = nn.Sequential(*(Block(width, width // HEAD) for _ in range(config.decoder_depth)))
        self.norm = nn.LayerNorm(width)
        self.pixels = nn.Linear(width, 3 * config.patch**2)

    def forward(
        self, images: Float[Tensor, "b 3 64 64"], order: Int[Tensor, "b n"], seen: int
    ) -> Float[Tensor, "b n v"]:
        """The guessed values of every patch (see `patches`), from those that come first in `order`."""
        tokens = self.narrow(self.encoder.tokens(images, order[:, :seen])).float()
        hidden = self.hidden.expand(len(images), order.shape[1] - seen, -1)
        shuffled = torch.cat([tokens[:, 1:], hidden], dim=1)
        back = order.argsort(dim=1)[:, :, None].expand_as(shuffled)
        everything = torch.cat([tokens[:, :1], shuffled.gather(1, back)], dim=1) + self.places
        guessed: Tensor = self.pixels(self.norm(self.blocks(everything)))
        return guessed[:, 1:].float()

    def patches(self, images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b n v"]:
        """Images cut into patches, row by row, each flattened."""
        return F.pixel_unshuffle(images, self.patch).flatten(2).transpose(1, 2)

    def image(self, patches: Float[Tensor, "b n v"]) -> Float[Tensor, "b 3 s s"]:
        """Undo `patches`."""
        side = IMAGE_SIZE // self.patch
        maps = patches.transpose(1, 2).reshape(len(patches), -1, side, side)
        return F.pixel_shuffle(maps, self.patch)


class MAELearner(ControlLearner):
    """The squared error of the patches that were not seen, each normalised by its own mean and deviation."""

    module: MaskedAutoencoder

    def __init__(self, module: MaskedAutoencoder, config: MAEConfig) -> None:
        super().__init__(module, config.schedule)
        self.config = config

    def losses(self, images: Float[Tensor, "b 3 64 64"], generator: torch.Generator) -> Losses:
        """`loss` alone; which patches are seen is drawn."""
        seen = self.config.seen
        order = random_order(len(images), self.config.patches, generator).to(images.device)
        guessed = self.module(images, order, seen)
        target, _, _ = normalised(self.module.patches(signed(images)))
        errors = (guessed - target).square().mean(dim=2)
        return {"loss": errors.gather(1, order[:, seen:]).mean()}


class MAE(Control):
    """A masked autoencoder. Its encoder is not PDR's, which has no tokens to leave out; as many features, 512."""

    Config = MAEConfig
    cites: ClassVar[tuple[str, ...]] = ("he2022mae", "wightman2019timm")
    profiles: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "smoke": {"width": 64, "depth": 2, "decoder_width": 64, "decoder_depth": 1},
        "mini": {"depth": 4},
    }
    module: MaskedAutoencoder

    def __init__(self, config: MAEConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self.module = MaskedAutoencoder(self.config)

    def learner(self) -> MAELearner:
        """The error of what was not seen."""
        return MAELearner(self.module, self.config)

    def encoder(self) -> nn.Module:
        """The transformer, of all patches."""
        return self.module.encoder

    def pictures(self, images: Float[Tensor, "b 3 h w"]) -> dict[str, Float[Tensor, "b 3 h w"]]:
        """Images, what is seen of them (the rest grey), and what is guessed in each patch's own mean and deviation."""
        config: MAEConfig = self.config
        generator = torch.Generator().manual_seed(seed_for(0, "controls", "pictures"))
        order = random_order(len(images), config.patches, generator).to(images.device)
        patches = self.module.patches(signed(images))
        _, mean, deviation = normalised(patches)
        shown = order[:, : config.seen, None].expand(-1, -1, patches.shape[2])
        seen = torch.zeros_like(patches).scatter(1, shown, patches.gather(1, shown))
        guessed = self.module(images, order, config.seen) * deviation + mean
        return {
            "input": images,
            "seen": unsigned(self.module.image(seen)),
            "guessed": unsigned(self.module.image(guessed)),
        }

    def notes(self) -> list[str]:
        """That the encoder is another one."""
        config: MAEConfig = self.config
        return [f"a transformer of {config.depth} blocks and width {config.width} in place of PDR's encoders"]


def random_order(count: int, patches: int, generator: torch.Generator) -> Int[Tensor, "b n"]:
    """For each of `count` images its patches in random order."""
    return torch.rand((count, patches), generator=generator).argsort(dim=1)


def normalised(
    patches: Float[Tensor, "b n v"],
) -> tuple[Float[Tensor, "b n v"], Float[Tensor, "b n 1"], Float[Tensor, "b n 1"]]:
    """Patches with mean 0 and variance 1, their means, and their deviations."""
    mean = patches.mean(dim=2, keepdim=True)
    deviation = (patches.var(dim=2, keepdim=True) + LEAST_VARIANCE).sqrt()
    return (patches - mean) / deviation, mean, deviation
