"""The configuration of RIS: that of StyleGAN2 with e4e, and how the catalogue is made."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from methods.stylegan2 import config as stylegan2
from methods.stylegan2.config import StyleGAN2E4EConfig


class RISConfig(StyleGAN2E4EConfig):
    """What RIS adds to StyleGAN2 and e4e. None of it changes the weights, so that both share them."""

    clusters: int = Field(18, gt=0, description="clusters of the catalogue", json_schema_extra={"stage": "encode"})
    catalogue_images: int = Field(
        200, gt=0, description="generated images that are clustered", json_schema_extra={"stage": "encode"}
    )
    truncation: float = Field(
        0.5,
        gt=0,
        le=1,
        description="how far from the average latent those images are: 0.5 as in the released code, 1 as drawn",
        json_schema_extra={"stage": "encode"},
    )
    voting_images: int = Field(
        200,
        gt=0,
        description="segmented training images, at most, that say which part a cluster is",
        json_schema_extra={"stage": "encode"},
    )


OWN: Mapping[str, Mapping[str, Any]] = {"smoke": {"catalogue_images": 20, "voting_images": 20}}
PROFILES: Mapping[str, Mapping[str, Any]] = {
    name: {**values, **OWN.get(name, {})} for name, values in stylegan2.PROFILES.items()
}
