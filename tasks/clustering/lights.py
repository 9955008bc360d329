"""The five subsets of Extended Yale B by light, as its authors list them (Georghiades et al., 2001; Lee et al., 2005).

They are named by the angle between light and camera axis, but two lights of the third, A+035E+40 and A-035E+40, stand
at 51 degrees: the lists count, not the angles.
"""

import numpy as np
from jaxtyping import Float, Int

# Name -> azimuth and elevation in degrees. A light to the right has one to the left at the same elevation.
SUBSETS: dict[str, tuple[tuple[int, int], ...]] = {
    "0-12": ((0, 0), (5, 10), (5, -10), (10, 0)),
    "12-25": ((0, 20), (0, -20), (10, -20), (15, 20), (20, 10), (20, -10), (25, 0)),
    "25-50": ((0, 45), (0, -35), (20, -40), (35, 15), (35, -20), (35, 40), (50, 0)),
    "50-77": ((35, 65), (50, -40), (60, 20), (60, -20), (70, 0), (70, 45), (70, -35)),
    "77-180": (
        *((0, 90), (85, 20), (85, -20), (95, 0), (110, 15), (110, 40), (110, 65), (110, -20)),
        *((120, 0), (130, 20)),
    ),
}


def subset_of(light: Float[np.ndarray, "n 2"]) -> Int[np.ndarray, " n"]:
    """The number of the subset that each light, azimuth and elevation in degrees, is listed in; -1 in none."""
    numbers = {place: number for number, places in enumerate(SUBSETS.values()) for place in places}
    rounded = np.rint(light).astype(np.int64).tolist()
    return np.array([numbers.get((abs(azimuth), elevation), -1) for azimuth, elevation in rounded], dtype=np.int64)
