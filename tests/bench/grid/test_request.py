"""Options to requests, and every mistake to one line."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from bench.grid.catalogue import METHODS
from bench.grid.request import Options, parse_settings, settings_for, validate
from bench.grid.values import merge, parse_value
from datasets.errors import BenchError


def request(**options: Any) -> Any:
    return Options(**{"methods": "pdr,pdr_loocc*", "tasks": "bbt", "profile": "smoke", **options}).request()


def test_baselines_are_always_rows_unless_switched_off() -> None:
    assert [entry.name for entry in request().methods] == [
        "pdr",
        "pdr_loocc_l",
        "pdr_loocc_lv",
        "chance",
        "raw_pixels",
        "random_init",
    ]
    assert len(request(baselines=False).methods) == 3


def test_family_settings_reach_every_variant_and_a_name_overrides_them() -> None:
    settings = request(settings=["pdr.nf=8", "pdr_loocc_l.nf=4", "pdr.schedule.max_steps=3"]).settings
    assert settings_for(METHODS.get("pdr_loocc_lv"), settings) == {"nf": 8, "schedule": {"max_steps": 3}}
    assert settings_for(METHODS.get("pdr_loocc_l"), settings) == {"nf": 4, "schedule": {"max_steps": 3}}


@pytest.mark.parametrize(
    ("text", "value"),
    [("3", 3), ("1e-3", 1e-3), ("true", True), ("null", None), ("a,b", ["a", "b"]), ("a", "a"), ("[1,2]", [1, 2])],
)
def test_values(text: str, value: Any) -> None:
    assert parse_value(text) == value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": "pdr_loocc"}, "unknown method 'pdr_loocc': did you mean pdr_loocc"),
        ({"tasks": "buffi"}, "did you mean buffy"),
        ({"profile": "mimi"}, "did you mean mini"),
        ({"profile": "zzz"}, "expected one of smoke, mini, paper"),
        ({"seeds": "a"}, "expected whole numbers"),
        ({"protocol": "other"}, "expected default or released"),
        ({"device": "tpu"}, "expected auto, cpu or cuda"),
        ({"settings": ["pdr.nf"]}, "expected METHOD.KEY=VALUE"),
        ({"settings": ["pd.nf=3"]}, "did you mean pdr"),
        ({"settings": ["pdr.nf=3", "pdr.nf.x=3"]}, "was set to a value before"),
    ],
)
def test_mistakes_are_one_line(options: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message) as caught:
        request(**options)
    assert "\n" not in str(caught.value)


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    steps: int = 1


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    inner: Inner = Inner()
    width: int = 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"widht": 3}, "demo has no setting 'widht': did you mean width"),
        ({"inner": {"step": 3}}, "demo has no setting 'inner.step': did you mean steps"),
        ({"width": "wide"}, "width = 'wide': Input should be a valid integer"),
    ],
)
def test_a_wrong_setting_names_the_right_one(values: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        validate(Outer, values, "demo")


def test_merge_is_deep_and_leaves_its_arguments_alone() -> None:
    base = {"a": {"x": 1}, "b": 1}
    assert merge(base, {"a": {"y": 2}}, {"b": 3}) == {"a": {"x": 1, "y": 2}, "b": 3}
    assert base == {"a": {"x": 1}, "b": 1}


def test_no_settings() -> None:
    assert parse_settings([], []) == {}
