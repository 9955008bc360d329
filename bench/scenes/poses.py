"""What `--yaw`, `--pitch`, `--light` and `--frames` mean: a list of poses. Every mistake is one `BenchError`."""

import math
from collections.abc import Sequence

from datasets.errors import BenchError
from methods.pdr.relight import Direction, Pose

# Degrees of azimuth that a sweeping light passes, and that `left` and `right` mean.
SIDE = 60.0
# An image shows nothing of what lies behind.
LIMIT = 90.0
DEFAULT_YAW = "-45:45"


def parse_poses(yaw: str | None, pitch: float, light: str, frames: int | None, default_frames: int) -> list[Pose]:
    """The poses along a sweep. Where both yaw and light sweep, they do so together.

    Parameters
    ----------
    yaw: degrees, as `30`, `-60:60` (a sweep) or `-30,0,30`; None: a sweep, unless there is a new light to show.
    pitch: degrees, the same for all poses.
    light: `none` (the predicted light), `left`, `right`, `sweep` (from left to right) or `AZIMUTH,ELEVATION`.
    frames: number of poses of a sweep, at least 2; None: `default_frames`.
    """
    text = yaw if yaw is not None else (DEFAULT_YAW if light == "none" else "0")
    check_angle(f"--pitch {pitch:g}", pitch)
    ends, listed = _parse_yaw(text)
    if len(listed) > 1:
        if frames not in (None, len(listed)):
            raise BenchError(f"--frames {frames}: --yaw {text} lists {len(listed)}; leave --frames out, or give A:B")
        count = len(listed)
    elif ends is not None or light == "sweep":
        count = default_frames if frames is None else frames
    elif frames is not None:
        raise BenchError(f"--frames {frames}: nothing moves; expected --yaw A:B or --light sweep with it")
    else:
        count = 1
    if ends is not None:
        listed = _spread(*ends, count)
    yaws = listed * count if len(listed) == 1 else listed
    return [Pose(turn, pitch, towards) for turn, towards in zip(yaws, _lights(light, count), strict=True)]


def check_angle(what: str, degrees: float) -> None:
    """Refuse an angle that no image tells anything about."""
    if not math.isfinite(degrees) or abs(degrees) > LIMIT:
        raise BenchError(f"{what}: expected -90 to 90 degrees, since a picture shows nothing of an object's back")


def described(pose: Pose) -> list[str]:
    """A pose in a few short lines, for the head of a column; as many for every pose of a sweep."""
    turned = pose.yaw != 0 or pose.pitch != 0
    lines = [_towards("yaw", pose.yaw, "left", "right") if turned else "as seen"]
    if pose.pitch:
        lines.append(_towards("pitch", pose.pitch, "down", "up"))
    if pose.light is None:
        return [*lines, "own light"]
    lines.append(_towards("light", pose.light.azimuth, "left", "right"))
    if pose.light.elevation:
        lines.append(_towards("light", pose.light.elevation, "above", "below"))
    return lines


def _towards(what: str, angle: float, positive: str, negative: str) -> str:
    """`yaw 30° left`; without a side where the angle rounds to nothing."""
    rounded = round(angle)
    return f"{what} {abs(rounded)}°" + (f" {positive if rounded > 0 else negative}" if rounded else "")


def _parse_yaw(text: str) -> tuple[tuple[float, float] | None, list[float]]:
    """The ends of a sweep and nothing else, or no sweep and the angles that are listed."""
    try:
        angles = [float(part) for part in text.replace(":", ",").split(",")]
    except ValueError:
        raise BenchError(f"--yaw {text!r}: expected degrees, as 30, -60:60 or -30,0,30") from None
    for angle in angles:
        check_angle(f"--yaw {text}", angle)
    if ":" not in text:
        return None, angles
    if len(angles) != 2:
        raise BenchError(f"--yaw {text!r}: a sweep has two ends, as -60:60")
    return (angles[0], angles[1]), []


def _lights(text: str, count: int) -> Sequence[Direction | None]:
    if text == "none":
        return [None] * count
    if text == "sweep":
        return [Direction(azimuth) for azimuth in _spread(SIDE, -SIDE, count)]
    if text in ("left", "right"):
        return [Direction(SIDE if text == "left" else -SIDE)] * count
    try:
        azimuth, elevation = map(float, text.split(","))
    except ValueError:
        raise BenchError(
            f"--light {text!r}: expected none, left, right, sweep or AZIMUTH,ELEVATION in degrees, such as 30,45"
        ) from None
    for angle in (azimuth, elevation):
        check_angle(f"--light {text}", angle)
    return [Direction(azimuth, elevation)] * count


def _spread(first: float, last: float, count: int) -> list[float]:
    """`count` angles from `first` to `last`, evenly, both ends exact; exactly mirrored for ends that are."""
    return [(first * (count - 1 - i) + last * i) / (count - 1) for i in range(count)]
