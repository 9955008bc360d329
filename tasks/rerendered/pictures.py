"""Sweeps for the eye: scenes at every angle, the truth above what a method renders."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from tasks.contact_sheet import contact_sheet
from tasks.rerendered.sweep import Sweep
from tasks.results import Picture


def sweep_sheet(sweeps: Sequence[Sweep], shown: int) -> UInt8[np.ndarray, "h w 3"]:
    """A sheet of all sweeps, one below the other, a column per angle: of each of the first `shown` scenes the true
    images in one row and the rendered ones in the next."""
    parts = []
    for sweep in sweeps:
        pairs = np.stack([sweep.true[:shown], sweep.rendered[:shown]], axis=1)
        rows = pairs.reshape(-1, *pairs.shape[2:])
        columns = {f"{angle:+.0f}" if angle else "0": rows[:, place] for place, angle in enumerate(sweep.angles)}
        parts.append(contact_sheet(columns, f"{sweep.axis}, degrees; truth above, rendered below"))
    page = Image.new("RGB", (max(part.width for part in parts), sum(part.height for part in parts)), "white")
    top = 0
    for part in parts:
        page.paste(part, (0, top))
        top += part.height
    return np.asarray(page)


def film(sweep: Sweep, shown: int) -> Picture:
    """The first `shown` scenes of a sweep as strips that a report shows beside those of other methods."""
    count = min(shown, len(sweep.true))
    strips = np.stack([sweep.true[:count], sweep.rendered[:count]], axis=1)
    scenes, both, angles, height, width, _ = strips.shape
    pixels = strips.transpose(0, 1, 3, 2, 4, 5).reshape(scenes * both * height, angles * width, 3)
    return Picture(
        pixels,
        f"Scenes by {sweep.axis} in degrees: the truth, and what each method renders of the one image at 0.",
        tuple(name for scene in range(count) for name in (f"scene {scene + 1}, truth", f"scene {scene + 1}")),
        tuple(f"{angle:+.0f}" if angle else "0" for angle in sweep.angles),
    )
