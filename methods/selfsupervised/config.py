"""What every control has in common with PDR: its schedule, and the sizes of its encoders, in every profile."""

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field

from methods.base import Domain, MethodConfig, ProtocolName, Schedule
from methods.pdr.config import PDRConfig
from methods.pdr.config import for_profile as pdr_profile
from methods.pdr.config import for_protocol as pdr_protocol

PDR_DEFAULTS = PDRConfig()


class ControlConfig(MethodConfig):
    """PDR's schedule, so that all see as many images in as many steps."""

    schedule: Schedule = PDR_DEFAULTS.schedule

    # Settings that a control takes over from PDR's.
    shared: ClassVar[tuple[str, ...]] = ("schedule", "track_scale")


class TwinConfig(ControlConfig):
    """The sizes of PDR's geometry and albedo encoders."""

    nf: int = Field(PDR_DEFAULTS.nf, gt=0, multiple_of=16, description="width of both encoders (PDR's nf)")
    zdim: int = Field(PDR_DEFAULTS.zdim, gt=0, description="values of each encoder, of which there are two")

    shared: ClassVar[tuple[str, ...]] = (*ControlConfig.shared, "nf", "zdim")


def protocol_values(config: type[ControlConfig], protocol: ProtocolName, domain: Domain) -> Mapping[str, Any]:
    """What a protocol changes of PDR and a control shares."""
    return _shared(config, pdr_protocol(protocol, domain))


def profile_values(config: type[ControlConfig], profile: str, domain: Domain) -> Mapping[str, Any]:
    """What a profile changes of PDR and a control shares."""
    return _shared(config, pdr_profile(profile, domain))


def _shared(config: type[ControlConfig], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: values[name] for name in config.shared if name in values}
