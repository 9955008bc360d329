"""The protocol of celeba_linear as a configuration."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from methods.learning import Schedule
from tasks.base import TaskConfig
from tasks.celeba_linear.probe import HeadKind

Mode = Literal["finetuned", "frozen"]


# The probe beside the paper's, on frozen features (`tasks.celeba_linear.regularised`).
REGULARISED = "regularised"


def metric(count: int, mode: str, kind: str = "accuracy") -> str:
    """Name of a metric: `accuracy_100_frozen`."""
    return f"{kind}_{count}_{mode}"


class LinearConfig(TaskConfig):
    """The protocol. Defaults are the paper's, but for `batch_size`, of which it says nothing.

    Attributes
    ----------
    released: what the authors' code does otherwise, as defaults under its protocol.
    """

    released: ClassVar[Mapping[str, Any]] = {"batch_size": 1}

    protocol: Literal["default", "released"] = Field(
        "default", description="released: defaults are those of the authors' published code, one image per step"
    )

    labels: tuple[PositiveInt, ...] = Field((100, 500, 1000), description="numbers of labelled images, each one run")
    test_images: int = Field(6000, gt=0, description="test images at most, drawn at random")
    head: HeadKind = Field("linear", description="linear: one layer; mlp: 512 units and a ReLU before it")
    epochs: int = Field(100, gt=0, description="epochs of every training")
    finetuning_steps: int | None = Field(
        None, gt=0, description="optimiser steps of a fine-tuning at most, within its epochs"
    )
    batch_size: int = Field(32, gt=0, description="images per optimiser step")
    learning_rate: float = Field(2e-4, gt=0, description="Adam's learning rate")

    @model_validator(mode="before")
    @classmethod
    def _of_protocol(cls, values: Any) -> Any:
        """The protocol's defaults, under what was set."""
        if isinstance(values, Mapping) and values.get("protocol") == "released":
            return {**cls.released, **values}
        return values

    @field_validator("labels", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        """Accept `100` as it is typed on a command line."""
        return (value,) if isinstance(value, int | str) else value

    @field_validator("labels")
    @classmethod
    def _ascending(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError("name at least one number of labelled images, each once")
        return tuple(sorted(value))

    def schedule(self, mode: Mode) -> Schedule:
        """How a classifier is trained. A head alone takes single precision, which costs it nothing; an encoder takes
        what its device is fast at."""
        return Schedule(
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            max_epochs=self.epochs,
            max_steps=self.finetuning_steps if mode == "finetuned" else None,
            precision="auto" if mode == "finetuned" else "32-true",
            flip=False,
            holdout=False,
        )
