"""Extended Yale B's five subsets, on the names of its 64 lights."""

import re

import numpy as np

from datasets.synthetic.sweeps import LIGHTS
from tasks.clustering.lights import SUBSETS, subset_of

# As the files are named, after P00; ambient images aside.
OFFICIAL = [
    "A+000E+00",
    "A+000E+20",
    "A+000E+45",
    "A+000E+90",
    "A+000E-20",
    "A+000E-35",
    "A+005E+10",
    "A+005E-10",
    "A+010E+00",
    "A+010E-20",
    "A+015E+20",
    "A+020E+10",
    "A+020E-10",
    "A+020E-40",
    "A+025E+00",
    "A+035E+15",
    "A+035E+40",
    "A+035E+65",
    "A+035E-20",
    "A+050E+00",
    "A+050E-40",
    "A+060E+20",
    "A+060E-20",
    "A+070E+00",
    "A+070E+45",
    "A+070E-35",
    "A+085E+20",
    "A+085E-20",
    "A+095E+00",
    "A+110E+15",
    "A+110E+40",
    "A+110E+65",
    "A+110E-20",
    "A+120E+00",
    "A+130E+20",
    "A-005E+10",
    "A-005E-10",
    "A-010E+00",
    "A-010E-20",
    "A-015E+20",
    "A-020E+10",
    "A-020E-10",
    "A-020E-40",
    "A-025E+00",
    "A-035E+15",
    "A-035E+40",
    "A-035E+65",
    "A-035E-20",
    "A-050E+00",
    "A-050E-40",
    "A-060E+20",
    "A-060E-20",
    "A-070E+00",
    "A-070E+45",
    "A-070E-35",
    "A-085E+20",
    "A-085E-20",
    "A-095E+00",
    "A-110E+15",
    "A-110E+40",
    "A-110E+65",
    "A-110E-20",
    "A-120E+00",
    "A-130E+20",
]


def lights(names: list[str]) -> np.ndarray:
    found = [re.fullmatch(r"A([+-]\d{3})E([+-]\d{2})", name) for name in names]
    return np.array([(int(match[1]), int(match[2])) for match in found if match], dtype=np.float64)


def test_subsets_have_7_12_12_14_and_19_lights() -> None:
    assert len(set(OFFICIAL)) == 64
    assert np.bincount(subset_of(lights(OFFICIAL))).tolist() == [7, 12, 12, 14, 19]
    assert list(SUBSETS) == ["0-12", "12-25", "25-50", "50-77", "77-180"]


def test_two_lights_at_51_degrees_belong_to_the_third() -> None:
    assert subset_of(lights(["A+035E+40", "A-035E+40", "A+000E+00", "A+000E+90"])).tolist() == [2, 2, 0, 4]


def test_all_other_lights_are_within_their_subsets_angles() -> None:
    azimuth, elevation = np.radians(lights(OFFICIAL)).T
    angles = np.degrees(np.arccos(np.cos(azimuth) * np.cos(elevation))).round(3)
    others = [name not in ("A+035E+40", "A-035E+40") for name in OFFICIAL]
    by_angle = np.searchsorted([12, 25, 50, 77], angles)
    assert (by_angle == subset_of(lights(OFFICIAL)))[others].all()


def test_drawn_lights_are_the_official_ones() -> None:
    assert sorted(LIGHTS) == sorted(map(tuple, lights(OFFICIAL).tolist()))


def test_unlisted_lights_are_in_no_subset() -> None:
    assert subset_of(np.array([[5.0, 11.0], [180.0, 0.0]])).tolist() == [-1, -1]
