"""One row per value of a task's setting: names, settings that stay, and what is no such setting."""

import pytest

from bench.grid.catalogue import TASKS
from bench.grid.request import Options, settings_for
from bench.grid.rows import variant_name
from datasets.errors import BenchError


def names(tasks: str, *settings: str) -> list[str]:
    request = Options(methods="raw_pixels", tasks=tasks, profile="smoke", settings=settings).request()
    return [entry.name for entry in request.tasks]


def test_each_value_is_a_row_of_its_own_name() -> None:
    assert names("bbt,buffy", "bbt.normalise=none,standardise,l2,pca") == [
        "bbt[normalise=none]",
        "bbt[normalise=standardise]",
        "bbt[normalise=l2]",
        "bbt[normalise=pca]",
        "buffy",
    ]


def test_other_settings_reach_every_row_and_the_list_is_gone() -> None:
    settings = ["bbt.normalise=none,l2", "bbt.stability=true"]
    request = Options(methods="raw_pixels", tasks="bbt", profile="smoke", settings=settings).request()
    for entry, value in zip(request.tasks, ("none", "l2"), strict=True):
        assert settings_for(entry, request.settings) == {"stability": True}
        assert entry.variant == {"normalise": value}


def test_a_single_value_sets_the_task_itself() -> None:
    request = Options(methods="raw_pixels", tasks="bbt", profile="smoke", settings=["bbt.normalise=l2"]).request()
    assert [entry.name for entry in request.tasks] == ["bbt"]
    assert settings_for(request.tasks[0], request.settings) == {"normalise": "l2"}


def test_lists_of_other_fields_stay_lists() -> None:
    request = Options(
        methods="raw_pixels", tasks="celeba_linear", profile="smoke", settings=["celeba_linear.labels=16,32"]
    ).request()
    assert [entry.name for entry in request.tasks] == ["celeba_linear"]
    assert settings_for(request.tasks[0], request.settings) == {"labels": ["16", "32"]}


def test_a_row_may_be_named_directly() -> None:
    assert names("bbt[normalise=l2]") == ["bbt[normalise=l2]"]
    assert TASKS.get(variant_name("bbt[normalise=l2]", "stability", "true")).variant == {
        "normalise": "l2",
        "stability": True,
    }


def test_unknown_tasks_are_refused_as_before() -> None:
    with pytest.raises(BenchError, match="is no method or task of this run"):
        names("bbt", "buffy.normalise=none,l2")
