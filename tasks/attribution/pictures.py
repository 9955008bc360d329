"""Where each encoder looks for an attribute, laid over the images."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import colormaps

from tasks.contact_sheet import as_bytes, contact_sheet

STRENGTH = 0.55  # of the map, where it is largest


def attribution_pictures(
    images: UInt8[np.ndarray, "n s s 3"],
    maps: Mapping[str, Float[np.ndarray, "n s s"]],
    percent: Mapping[str, float],
    attribute: str,
) -> UInt8[np.ndarray, "h w 3"]:
    """A contact sheet with one row per image: it, and it again under each group's map, red where that is largest.

    Each map is scaled by its own largest value, so colours compare places and not groups; those are told apart by
    their share, which stands above. A map without any positive value leaves the image as it is.
    """
    columns = {"input": images}
    columns |= {f"{name} {percent[name]:.0f} %": as_bytes(overlaid(images, values)) for name, values in maps.items()}
    return np.asarray(contact_sheet(columns, f"{attribute}: the {len(images)} surest, Grad-CAM"))


def overlaid(images: UInt8[np.ndarray, "n s s 3"], maps: Float[np.ndarray, "n s s"]) -> Float[np.ndarray, "n s s 3"]:
    """Images in [0, 1] under colours of maps that are not negative."""
    most = maps.max(axis=(1, 2), keepdims=True)
    scaled = np.divide(maps, most, out=np.zeros_like(maps, dtype=np.float64), where=most > 0)
    weight = STRENGTH * scaled[..., None]
    return np.asarray((1 - weight) * (images / 255) + weight * colormaps["turbo"](scaled)[..., :3])
