"""One row per value of a task's setting: names, settings that stay, and what is no such setting."""

import pytest

from bench.grid.catalogue import METHODS, TASKS
from bench.grid.registry import varied
from bench.grid.request import Options, settings_for
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
    assert varied(TASKS.get("bbt[normalise=l2]"), "stability", "true").variant == {
        "normalise": "l2",
        "stability": True,
    }


def test_unknown_tasks_are_refused_as_before() -> None:
    with pytest.raises(BenchError, match="is no method or task of this run"):
        names("bbt", "buffy.normalise=none,l2")


def methods(*sweep: str, settings: tuple[str, ...] = (), of: str = "vqvae,pdr_loocc_l") -> list[str]:
    request = Options(methods=of, tasks="bbt", profile="smoke", sweep=sweep, settings=settings).request()
    return [entry.name for entry in request.methods if not entry.baseline]


def test_a_sweep_is_a_row_per_combination_of_values() -> None:
    assert methods("vqvae.width=4,8", "vqvae.schedule.max_steps=[1, 2]") == [
        "vqvae[width=4;schedule.max_steps=1]",
        "vqvae[width=4;schedule.max_steps=2]",
        "vqvae[width=8;schedule.max_steps=1]",
        "vqvae[width=8;schedule.max_steps=2]",
        "pdr_loocc_l",
    ]
    assert METHODS.get(methods("vqvae.width=4,8")[0]).variant == {"width": 4}, "a name that can be typed"


def test_a_family_is_swept_where_no_row_is_called_so() -> None:
    assert methods("pdr.nf=8", of="pdr_loocc_l") == ["pdr_loocc_l[nf=8]", "random_init[nf=8]"]
    assert methods("pdr.nf=8", of="pdr,pdr_loocc_l") == ["pdr[nf=8]", "pdr_loocc_l"]
    assert methods("Tiny.width=8", of="mine.py:Tiny") == ["mine.py:Tiny[width=8]"]


def test_tasks_are_swept_too() -> None:
    request = Options(methods="chance", tasks="bbt", profile="smoke", sweep=["bbt.normalise=none,l2"]).request()
    assert [entry.name for entry in request.tasks] == ["bbt[normalise=none]", "bbt[normalise=l2]"]


@pytest.mark.parametrize(
    ("sweep", "settings", "message"),
    [
        (["vqvae"], (), "expected METHOD.KEY=VALUE,VALUE"),
        (["vqvae.width="], (), "has no value"),
        (["vqvae.width=[]"], (), "has no value"),
        (["vqvae.width=1,2", "vqvae.width=3"], (), "is given twice"),
        (["vqvea.width=1,2"], (), "did you mean vqvae"),
        (["vqvae.width=1;x=2"], (), "expected a value without ;"),
        (["vqvae.width=1,2"], ("vqvae.width=3",), "give one of them"),
        (["vqvae.schedule.max_steps=1,2"], ('vqvae.schedule={"max_epochs": 3}',), None),
        ([f"vqvae.width={','.join(map(str, range(1, 1002)))}"], (), "more than 1,000 rows"),
    ],
)
def test_what_is_no_sweep_is_one_line(sweep: list[str], settings: tuple[str, ...], message: str | None) -> None:
    if message is None:
        assert len(methods(*sweep, settings=settings)) == 3
        return
    with pytest.raises(BenchError, match=message):
        methods(*sweep, settings=settings)


def test_a_part_of_a_test_set_is_a_row_of_its_own_name() -> None:
    request = Options(methods="chance", tasks="bbt,bbt[normalise=l2]", profile="smoke", limit=5).request()
    assert [(entry.name, entry.variant["limit"]) for entry in request.tasks] == [
        ("bbt[limit=5]", 5),
        ("bbt[normalise=l2;limit=5]", 5),
    ]
    with pytest.raises(BenchError, match="--limit 0: expected a number of items"):
        Options(limit=0).request()
