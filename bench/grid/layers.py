"""What the name of a method or a task means before any `--set`: the layers of its configuration, later ones on top."""

from typing import TYPE_CHECKING, Any

from bench.grid.registry import Entry
from bench.grid.values import merge

if TYPE_CHECKING:  # both import torch
    from methods.base import Domain, Method, ProtocolName
    from tasks.base import Task


def of_method(
    entry: Entry, cls: "type[Method]", protocol: "ProtocolName", profile: str, domain: "Domain"
) -> dict[str, Any]:
    """The name's preset, the protocol's and the profile's values, and the name's variant."""
    return merge({}, entry.preset, cls.for_protocol(protocol, domain), cls.for_profile(profile, domain), entry.variant)


def of_task(entry: Entry, cls: "type[Task]", protocol: str, profile: str) -> dict[str, Any]:
    """The protocol where the task has one, the name's preset, the profile's values, and the name's variant."""
    chosen = {"protocol": protocol} if "protocol" in cls.Config.model_fields else {}
    return merge(chosen, entry.preset, cls.profiles.get(profile, {}), entry.variant)
