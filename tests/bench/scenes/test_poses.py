"""What a sweep is made of, what its columns are called, and how it is mistyped."""

import pytest

from bench.scenes.poses import described, parse_poses
from datasets.errors import BenchError
from methods.pdr.relight import Direction, Pose


def poses(yaw: str | None = None, pitch: float = 0.0, light: str = "none", frames: int | None = None) -> list[Pose]:
    return parse_poses(yaw, pitch, light, frames, default_frames=7)


def test_what_turns() -> None:
    assert [pose.yaw for pose in poses("-60:60")] == [-60, -40, -20, 0, 20, 40, 60]
    assert [pose.yaw for pose in poses("10:-10", frames=3)] == [10, 0, -10]
    assert [pose.yaw for pose in poses("30,-5.5", frames=2)] == [30, -5.5]
    assert poses("25", 10.0) == [Pose(25.0, 10.0)]
    assert [pose.yaw for pose in poses()] == [-45, -30, -15, 0, 15, 30, 45]
    angles = [pose.yaw for pose in poses("-37.3:37.3", frames=24)]
    assert angles == [-angle for angle in reversed(angles)]


def test_where_light_comes_from() -> None:
    assert {pose.light for pose in poses()} == {None}
    assert poses(light="left") == [Pose(light=Direction(60.0))]
    assert poses(light="right") == [Pose(light=Direction(-60.0))]
    assert poses(light="-30,45") == [Pose(light=Direction(-30.0, 45.0))]
    swept = [pose.light.azimuth for pose in poses(light="sweep", frames=5) if pose.light]
    assert swept == [60, 30, 0, -30, -60]


def test_both_sweep_together() -> None:
    both = poses("-10:10", light="sweep", frames=3)
    assert [(pose.yaw, pose.light) for pose in both] == [
        (-10, Direction(60.0)),
        (0, Direction(0.0)),
        (10, Direction(-60.0)),
    ]
    assert len(poses("-10,0,5,10", light="sweep")) == 4


def test_names_of_columns() -> None:
    assert described(Pose()) == ["as seen", "own light"]
    assert described(Pose(30.0)) == ["yaw 30° left", "own light"]
    assert described(Pose(-30.0, 10.0)) == ["yaw 30° right", "pitch 10° down", "own light"]
    assert described(Pose(0.0, -10.0)) == ["yaw 0°", "pitch 10° up", "own light"]
    assert described(Pose(light=Direction(-20.0))) == ["as seen", "light 20° right"]
    assert described(Pose(light=Direction(0.0, 45.0))) == ["as seen", "light 0°", "light 45° above"]
    for options in ({"yaw": "-5:5"}, {"light": "sweep"}, {"yaw": "-5:5", "light": "0,30", "pitch": 3.0}):
        assert len({len(described(pose)) for pose in poses(**options)}) == 1  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"yaw": "-120:60"}, "--yaw -120:60: expected -90 to 90 degrees"),
        ({"yaw": "nan"}, "--yaw nan: expected -90 to 90"),
        ({"yaw": "left"}, "--yaw 'left': expected degrees, as 30, -60:60"),
        ({"yaw": ""}, "--yaw '': expected degrees"),
        ({"yaw": "1:2:3"}, "a sweep has two ends"),
        ({"yaw": "1:2,3"}, "a sweep has two ends"),
        ({"pitch": 91.0}, "--pitch 91: expected -90 to 90"),
        ({"light": "up"}, "--light 'up': expected none, left, right, sweep or AZIMUTH,ELEVATION"),
        ({"light": "1,2,3"}, "--light '1,2,3': expected none"),
        ({"light": "100,0"}, "--light 100,0: expected -90 to 90"),
        ({"yaw": "1,2,3", "frames": 4}, "--frames 4: --yaw 1,2,3 lists 3"),
        ({"yaw": "10", "frames": 4}, "--frames 4: nothing moves"),
    ],
)
def test_a_mistake_says_what_was_expected(options: dict, message: str) -> None:
    with pytest.raises(BenchError) as error:
        poses(**options)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
