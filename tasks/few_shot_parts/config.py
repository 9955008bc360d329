"""The protocol of few labelled images."""

from typing import Literal

from pydantic import Field, field_validator

from tasks.base import TaskConfig
from tasks.few_shot_parts.classes import Classes

FROM_CHANCE = "DeepLab-v3 starts from weights of chance in place of ImageNet's"


class NetworkConfig(TaskConfig):
    """How an ordinary network is trained on labelled images."""

    network: Literal["unet", "deeplab_v3"] = Field(
        "unet", description="a U-Net on the method's pyramid, or the paper's DeepLab-v3, from weights of chance"
    )
    steps: int = Field(25_000, gt=0, description="optimiser steps of the network")
    batch_size: int = Field(8, gt=0, description="images per step of the network")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's learning rate for the network")
    width: int = Field(16, gt=0, description="channels of the decoder's finest level; every coarser one doubles them")

    @property
    def reduced(self) -> list[str]:
        """Sentences on what is less than, or other than, the paper's training."""
        found = ["networks are U-Nets in place of DeepLab-v3" if self.network == "unet" else FROM_CHANCE]
        if self.steps < NetworkConfig().steps:
            found.append(f"{self.steps:,} steps of the networks in place of {NetworkConfig().steps:,}")
        return found


class PartsConfig(NetworkConfig):
    """The protocol, whatever has the parts; defaults are the paper's, where there is one."""

    protocol: Literal["default", "released"] = Field(
        "default",
        description="`released`: also score networks as the authors' code does, at checkpoints chosen on test images",
    )
    labelled_images: int = Field(
        16, gt=0, description="labelled images that the table is of", json_schema_extra={"rows": True}
    )
    curve: tuple[int, ...] = Field((1, 5, 50), description="other numbers of labelled images, for the learning curve")
    classes: Classes = Field("all", description="all of the dataset's parts, or so many classes made of them")
    train_images: int | None = Field(
        None, gt=0, description="training images at most that labels are drawn from, and all labels mean; null: all"
    )
    test_images: int | None = Field(None, gt=0, description="test images at most, drawn at random; null: all")
    epochs: int = Field(100, gt=0, description="epochs of the pixel classifiers at most; they stop by themselves")

    @field_validator("curve")
    @classmethod
    def _positive(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if any(count < 1 for count in value):
            raise ValueError("expected numbers of labelled images, 1 or more")
        return value

    @property
    def counts(self) -> tuple[int, ...]:
        """Every number of labelled images, ascending."""
        return tuple(sorted({self.labelled_images, *self.curve}))


class FewShotConfig(PartsConfig):
    """The protocol on faces."""

    classes: Literal[8, "all"] = Field(
        8, description="8 classes of faces, or all of the dataset's", json_schema_extra={"rows": True}
    )
