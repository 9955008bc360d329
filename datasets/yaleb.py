"""Extended Yale B, cropped (Georghiades et al., 2001; Lee et al., 2005): 38 people under 64 directions of light."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from datasets.entries import list_folders, list_images
from datasets.imagefiles import ImageFiles, Listing
from datasets.layout import find

_PATTERN = re.compile(r"yaleB\d{2}_P00A([+-]\d{3})E([+-]\d{2})\.pgm")


class YaleB(ImageFiles):
    """Faces by person and name, with the label `identity` and, as `truth["light"]`, where the light stands.

    The light is float32 (n, 2): azimuth and elevation in degrees; 0, 0 is beside the camera.
    """

    def __init__(self, folder: Path, listing: Listing, light: list[tuple[int, int]]) -> None:
        super().__init__("yaleb", folder, listing)
        self._light = light

    @classmethod
    def open(cls, root: Path) -> "YaleB":
        """Open `root/yaleb/CroppedYale` (or `root/CroppedYale`); DatasetMissing where neither exists.

        Files ending `.bad` or `.info` and the ambient images are no samples; images whose name says no light
        direction are left out and counted.
        """
        folder = find("yaleb", root, ["CroppedYale"], ["yaleb", "."]) / "CroppedYale"
        listing = Listing([])
        light: list[tuple[int, int]] = []
        identities: list[int] = []
        people: list[str] = []
        for person in list_folders(folder):
            number = len(people)
            for file in list_images(folder / person, f"{person}/"):
                match = _PATTERN.fullmatch(file.name.rpartition("/")[2])
                if match is not None:
                    listing.files.append(file)
                    light.append((int(match[1]), int(match[2])))
                    identities.append(number)
                elif not file.name.endswith("_Ambient.pgm"):
                    listing.skip("name without a light direction", file.name)
            if identities and identities[-1] == number:
                people.append(person)
            else:
                listing.skip("person without an image", person)
        listing.labels["identity"] = np.array(identities, dtype=np.int64)
        listing.classes["identity"] = tuple(people)
        return cls(folder, listing, light)

    def columns(self, size: int) -> dict[str, tuple[tuple[int, ...], Any]]:
        """Images and lights."""
        return {**super().columns(size), "light": ((2,), np.float32)}

    def decode(self, index: int, size: int) -> dict[str, np.ndarray]:
        """One image and its light."""
        return {**super().decode(index, size), "light": np.array(self._light[index], dtype=np.float32)}
