"""What there is to name, for people and for programs."""

import json
from pathlib import Path

import pytest

from bench.commands.listing import list_command
from bench.commands.settings import settings_of
from bench.grid.catalogue import METHODS, TASKS
from datasets.errors import BenchError


def listed(capsys: pytest.CaptureFixture[str], what: str, name: str | None = None, store: Path = Path("s")) -> list:
    list_command(what, name, as_json=True, store=store)
    return json.loads(capsys.readouterr().out)


def test_every_method_is_listed_with_its_group(capsys: pytest.CaptureFixture[str]) -> None:
    rows = listed(capsys, "methods")
    assert [row["name"].partition(":")[0] for row in rows] == list(METHODS.entries())
    groups = {row["name"]: row["group"] for row in rows}
    assert (groups["pdr"], groups["chance"]) == ("all", "baselines")
    list_command("methods", None, as_json=False, store=Path("s"))
    out = capsys.readouterr().out
    assert all(f"--methods {group}: " in out for group in METHODS.groups())
    assert [row["name"] for row in listed(capsys, "profiles")] == ["smoke", "mini", "paper"]


@pytest.mark.parametrize("registry", [METHODS, TASKS], ids=["methods", "tasks"])
def test_every_setting_says_what_it_means_and_has_its_default(registry) -> None:  # type: ignore[no-untyped-def]
    for entry in registry.entries().values():
        if entry.argument:
            continue
        config = entry.load().Config.model_validate(dict(entry.preset))
        for setting in settings_of(entry):
            value = config
            for part in setting.name.split("."):
                value = getattr(value, part)
            assert value == setting.default or list(value) == list(setting.default), (entry.name, setting)
            assert setting.meaning, f"{entry.name}.{setting.name} says nothing of itself"


def test_a_setting_has_its_type_and_range(capsys: pytest.CaptureFixture[str]) -> None:
    found = {row["name"]: row for row in listed(capsys, "settings", "pdr_loocc_l")}
    assert found["loocc"]["default"] == "l"
    assert found["loocc"]["type"] == "none | l | lv"
    assert found["min_diffuse"]["range"] == ">= 0, <= 1"
    assert found["schedule.max_steps"]["type"] == "int | None"


def test_what_cannot_be_listed_is_said(tmp_path: Path) -> None:
    for arguments, message in [
        (("settings", None), "needs the name of a method"),
        (("tasks", "bbt"), "takes no name"),
        (("settings", "pdx"), "did you mean pdr"),
        (("settings", "bbtt"), "unknown method or task .bbtt.: did you mean bbt"),
        (("runs", None), "no runs"),
    ]:
        with pytest.raises(BenchError, match=message):
            list_command(*arguments, as_json=False, store=tmp_path)
