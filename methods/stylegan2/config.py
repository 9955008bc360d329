"""The configuration of StyleGAN2 with e4e: which weights, or how to train them; profiles."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from methods.base import MethodConfig, Schedule
from methods.stylegan2.architecture import FFHQ, Architecture


class GANSchedule(Schedule):
    """A GAN has no validation loss: it trains on all images, to the end."""

    batch_size: int = Field(32, gt=0, description="images per step of each network")
    learning_rate: float = Field(2e-3, gt=0, description="Adam's learning rate (StyleGAN2's)")
    max_epochs: int = Field(10_000, gt=0, description="epochs at most")
    max_steps: int | None = Field(100_000, gt=0, description="steps at most, within the epochs")
    holdout: Literal[False] = Field(False, description="always false")


class E4ESchedule(Schedule):
    """The encoder's: batch and rate are e4e's, stopping is every method's."""

    batch_size: int = Field(8, gt=0, description="real images per step, and as many generated ones")
    learning_rate: float = Field(1e-4, gt=0, description="Adam's learning rate")


class StyleGAN2E4EConfig(MethodConfig):
    """The defaults take the official FFHQ weights (297,506,764 parameters), which nothing here trains.

    Where one is trained (`train`), `gan` and `schedule` are the two stages' schedules. The sizes' defaults are the
    official ones, but for the resolution.
    """

    schedule: E4ESchedule = E4ESchedule()
    gan: GANSchedule = GANSchedule()

    train: bool = Field(False, description="train a generator and an encoder instead of loading the official weights")
    encoder: str | None = Field(
        None,
        description="e4e_ffhq_encode.pt, encoder and generator; by default looked for in $BENCH_WEIGHTS or ./weights",
        json_schema_extra={"kind": "file"},
    )
    generator: str | None = Field(
        None,
        description="stylegan2-ffhq-config-f.pt, in place of the encoder's own generator; looked for in the same place",
        json_schema_extra={"kind": "file"},
    )
    input_size: Literal[64, 256] = Field(
        64, description="side of the source images; 64 is the paper's, 256 its appendix's"
    )

    encoder_input: int | None = Field(
        None,
        ge=16,
        description="side in pixels that images are brought to for the encoder, at most its own; by default its own, "
        "256 for the official one (released: 64, the source images as they are)",
    )
    resolution: int | None = Field(
        None, description="side of the generated images; by default 1024, or input_size where one is trained"
    )
    style_dim: int = Field(FFHQ.style_dim, gt=0, description="dimension of z, w and each style")
    mapping_layers: int = Field(FFHQ.mapping_layers, gt=0, description="layers of the mapping network")
    max_channels: int = Field(FFHQ.max_channels, gt=0, description="most channels of a layer")
    channel_base: int = Field(FFHQ.channel_base, gt=0, description="channels times side of the larger layers")
    encoder_width: int = Field(FFHQ.encoder_width, gt=0, description="channels of the encoder's first stage")
    encoder_units: tuple[int, int, int, int] = Field(
        FFHQ.encoder_units, description="residual units of the encoder's four stages"
    )

    gamma: float = Field(1.0, ge=0, description="weight of R1")
    half_life: float = Field(
        10_000.0, gt=0, description="images over which the generator's moving average forgets half"
    )
    mixing: float = Field(0.9, ge=0, le=1, description="share of generated images with the styles of two latents")
    latent_weight: float = Field(1.0, ge=0, description="weight of the error of the codes of generated images")
    offset_weight: float = Field(2e-4, ge=0, description="weight of the offsets' regularisation (e4e's)")
    offsets_start: int = Field(20_000, ge=0, description="step from which the first style has an offset (e4e's)")
    offsets_every: int = Field(2_000, gt=0, description="steps until the next style gets one (e4e's)")

    @property
    def architecture(self) -> Architecture:
        """The sizes of the networks."""
        return Architecture(
            self.resolution or (self.input_size if self.train else FFHQ.resolution),
            self.style_dim,
            self.mapping_layers,
            self.max_channels,
            self.channel_base,
            self.encoder_width,
            self.encoder_units,
        )

    @model_validator(mode="after")
    def _sized(self) -> "StyleGAN2E4EConfig":
        """Refuse sizes of which no network can be made. Those of a profile that trains are not the official ones."""
        try:
            _ = self.architecture
        except ValueError as error:
            instead = "; the official weights' sizes are those of --profile paper" * (not self.train)
            raise ValueError(f"{error}{instead}") from None
        return self

    @field_validator("encoder", "generator")
    @classmethod
    def _loaded_or_trained(cls, value: str | None, info: Any) -> str | None:
        if value is not None and info.data.get("train"):
            raise ValueError("train=true trains what this file holds: give one or the other")
        if value is not None and info.field_name == "generator" and info.data.get("encoder") is None:
            raise ValueError("a generator alone encodes nothing: name the file of the e4e encoder too")
        return value

    @field_validator("resolution")
    @classmethod
    def _possible(cls, value: int | None, info: Any) -> int | None:
        if value is None:
            return value
        size = info.data.get("input_size")
        if info.data.get("train") and value != size:
            raise ValueError(f"a generator trained on images of {size} px makes such: leave it out, or set input_size")
        Architecture(value)
        return value


# What the authors' code does otherwise than the paper says: it brings images to 64 px and feeds those to the encoder,
# which was made for 256 px.
RELEASED: Mapping[str, Any] = {"encoder_input": 64}

PROFILES: Mapping[str, Mapping[str, Any]] = {
    "smoke": {
        "train": True,
        "style_dim": 16,
        "mapping_layers": 2,
        "max_channels": 16,
        "channel_base": 512,
        "encoder_width": 8,
        "encoder_units": (1, 1, 1, 1),
        "gan": {"batch_size": 4, "max_steps": 4},
        "schedule": {"batch_size": 4, "max_steps": 4},
        "offsets_start": 1,
        "offsets_every": 1,
    },
    # On 4,000 drawn faces, one CPU thread. The generator after 3,000 steps of 16 images (390 s): R1's weight 1 gives
    # rounder faces of more poses than 0.1; twice the channels and dimensions are no better at the same cost.
    # The encoder's validation error, mean square on [-1, 1]: 0.059 at width 16, rate 1e-3 and latent weight 1 after
    # 800 steps; 0.056 at width 8, 3e-3 and 0.05 after 1,000 steps, which take as long.
    "mini": {
        "train": True,
        "style_dim": 64,
        "mapping_layers": 4,
        "max_channels": 64,
        "channel_base": 1024,
        "encoder_width": 8,
        "encoder_units": (1, 1, 2, 1),
        "gan": {"batch_size": 16, "learning_rate": 2.5e-3, "max_steps": 3000},
        "schedule": {"batch_size": 16, "learning_rate": 3e-3, "max_steps": 1000},
        "half_life": 2000.0,
        "latent_weight": 0.05,
        "offsets_start": 50,
        "offsets_every": 20,
    },
    "paper": {},
}
