"""The configuration of DatasetGAN: that of StyleGAN2 with e4e, and how labelled images are made."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, model_validator

from methods.datasetgan.filtering import SLICE_START, Dropping, Scoring
from methods.stylegan2 import config as stylegan2
from methods.stylegan2.config import StyleGAN2E4EConfig

ENCODE: dict[str, Any] = {"stage": "encode"}


class DatasetGANConfig(StyleGAN2E4EConfig):
    """What DatasetGAN adds to StyleGAN2 and e4e. None of it changes the weights, so that both share them."""

    images: int = Field(10_000, gt=0, description="labelled images that are generated", json_schema_extra=ENCODE)
    truncation: float = Field(
        0.7,
        gt=0,
        le=1,
        description="how far from the average latent generated images are, in all styles; 1 as drawn",
        json_schema_extra=ENCODE,
    )
    dropped: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of the generated images that is left out for uncertainty",
        json_schema_extra=ENCODE,
    )
    scoring: Scoring = Field(
        "mean",
        description="an image's uncertainty: the mean of its pixels', or (released) that of the most uncertain tenth",
        json_schema_extra=ENCODE,
    )
    dropping: Dropping = Field(
        "highest",
        description=f"which images go: the most uncertain, or (released) also the {SLICE_START} most certain",
        json_schema_extra=ENCODE,
    )
    inversion_steps: int = Field(
        100,
        ge=0,
        description="steps in which e4e's code of a labelled image, and its noise, are optimised",
        json_schema_extra=ENCODE,
    )
    inversion_rate: float = Field(0.05, gt=0, description="Adam's rate for them", json_schema_extra=ENCODE)
    inversion_noise: bool = Field(
        True, description="optimise the noise maps too, and not the code alone", json_schema_extra=ENCODE
    )
    # Of 16 drawn faces in the `mini` generator, e4e alone leaves 0.007 to 0.019, optimised 0.0005 to 0.0015.
    most_error: float = Field(
        0.01,
        gt=0,
        description="mean squared error, of values in [0, 1], beyond which a labelled image counts as not inverted and "
        "is left out",
        json_schema_extra=ENCODE,
    )
    annotations: str | None = Field(
        None,
        description="a folder of `bench annotate datasetgan` with the masks that a person drew: they teach in place of "
        "the dataset's labelled images",
        json_schema_extra={"stage": "encode", "kind": "folder"},
    )
    unet_width: int = Field(
        16,
        gt=0,
        description="channels of the first level of the U-Net's encoder that is trained on the generated images",
        json_schema_extra=ENCODE,
    )

    @model_validator(mode="after")
    def _some_left(self) -> "DatasetGANConfig":
        """Refuse the released slice where it is empty."""
        if self.dropping == "released" and self.dropped and int(self.dropped * self.images + 1e-9) <= SLICE_START:
            raise ValueError(
                f"dropping=released keeps nothing of {self.images:,} images at dropped={self.dropped:g}: it needs more "
                f"than {SLICE_START} images to drop; generate more, or set dropped=0"
            )
        return self


# The authors' code: it leaves out no image unless asked to, and then by another score and another slice.
RELEASED: Mapping[str, Any] = {"scoring": "top10", "dropping": "released", "dropped": 0.0}

OWN: Mapping[str, Mapping[str, Any]] = {
    "smoke": {"images": 10, "inversion_steps": 2, "most_error": 1.0, "unet_width": 4},
    "mini": {"images": 500},
}
PROFILES: Mapping[str, Mapping[str, Any]] = {
    name: {**values, **OWN.get(name, {})} for name, values in stylegan2.PROFILES.items()
}
