"""Requests drawn at random, as a user in a hurry or a script with a fault would write them: each is one clear line or
a request whose cells are known, within five seconds.

`FAULTS=long` tries 1,000, others at each run; without it the same few take some seconds.
"""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st
from pydantic import BaseModel

from bench.grid.catalogue import METHODS, PROFILES, TASKS
from bench.grid.request import Options
from bench.pipeline.cell import cells
from bench.pipeline.context import Context
from bench.pipeline.store import Store
from bench.pipeline.walk import look
from datasets.errors import BenchError
from datasets.names import printable
from tests.faults.campaign import SECONDS, drawn, tried

# Cells of a request that are looked at, as a dry run does.
LOOKED_AT = 3
# A line for a person, however long what they typed.
LONGEST = 2000

CAMPAIGN = drawn(60, 1000)


def places(config: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting of a configuration, nested ones by their dotted names."""
    for name, info in config.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from places(info.annotation, f"{prefix}{name}.")


METHOD_NAMES = sorted(name for name, entry in METHODS.entries().items() if not entry.argument)
TASK_NAMES = sorted(name for name, entry in TASKS.entries().items() if not entry.argument)
SETTINGS = {
    name: sorted(places(registry.entries()[name].load().Config))
    for registry, names in ((METHODS, METHOD_NAMES), (TASKS, TASK_NAMES))
    for name in names
}

ODD_TEXT = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        [
            *(
                "",
                " ",
                ".",
                "..",
                "/",
                "~",
                "~nobody/x",
                "*",
                "?",
                "[",
                "]",
                "[]",
                "{}",
                ",",
                ";",
                "=",
                ":",
                "\0",
                "\n",
            ),
            *("../..", "/dev/null", "/dev/zero", "C:\\x", "a" * 5000, "ä" * 300, "\udcff", "%s%n", "${HOME}", "<b>"),
        ]
    ),
)
ODD_VALUE = st.one_of(
    st.sampled_from(
        [
            *("1e400", "-1e400", "Infinity", "-Infinity", "NaN", "nan", "9" * 5000, "0." + "1" * 5000, "1e-400"),
            *("[" * 3000, "[" * 3000 + "]" * 3000, '{"a":' * 3000, "{}", "[]", "[[]]", '{"a": 1}', "[1,2", '"', '""'),
            *(
                "true",
                "false",
                "null",
                "none",
                "0",
                "-1",
                "-0",
                "1.5",
                "0x10",
                "1_000",
                "2147483648",
                "1e18",
                "a,b",
                ",",
            ),
            *("l2", "none,l2", "geometry,albedo", "auto", "cpu", "16-mixed", "32-true", "\ud800"),
        ]
    ),
    st.integers(-(10**30), 10**30).map(str),
    st.floats().map(str),
    st.lists(st.integers(-3, 300), max_size=5).map(json.dumps),
    ODD_TEXT,
)


def setting(owners: list[str]) -> st.SearchStrategy[str]:
    """A setting of one of these, or what looks like one."""
    named = sorted(name for name in owners if SETTINGS.get(name)) or sorted(SETTINGS)
    known = st.sampled_from([f"{name}.{place}" for name in named for place in SETTINGS.get(name, [])] or ["pdr.nf"])
    return st.one_of(
        st.builds("{}={}".format, known, ODD_VALUE),
        st.builds("{}={}".format, known, ODD_VALUE),
        st.builds("{}.{}={}".format, st.sampled_from([*named, "pdr_unet", ""]), ODD_TEXT, ODD_VALUE),
        ODD_TEXT,
    )


NUMBER = st.one_of(st.integers(0, 12), st.sampled_from([999_999, 3_000_000_000, 2**32, 10**12])).map(str)
NUMBERS = st.one_of(NUMBER, st.builds("{}-{}".format, NUMBER, NUMBER), st.lists(NUMBER, max_size=4).map(",".join))
SEEDS = st.one_of(
    NUMBERS,
    st.lists(st.builds("{}={}".format, st.sampled_from(["fit", "split", "evaluate", "x"]), NUMBERS), max_size=4).map(
        ";".join
    ),
    st.sampled_from(["9" * 5000, "-1", "1.5", "٣", "²", "0-", "-", "1e3"]),
    ODD_TEXT,
)


def odd_name(names: list[str], own: list[str]) -> st.SearchStrategy[str]:
    """What else might stand in the place of a name."""
    return st.one_of(
        st.sampled_from(names).map(lambda name: f"{name}["),
        st.builds("{}[{}={}]".format, st.sampled_from(names), ODD_TEXT, ODD_VALUE),
        st.sampled_from(own),
        st.builds("{}:{}".format, st.sampled_from(["tracks", "images", "timm", "pcc", "attribution"]), ODD_TEXT),
        ODD_TEXT,
    )


ODD_METHOD = odd_name(METHOD_NAMES, ["all", "pdr*", "pdr[features=*]", "absent.py:Mine", "/dev/null.py:X", ".py:"])
ODD_TASK = odd_name(TASK_NAMES, ["all", "b*", "bbt[normalise=l2]", "absent.py:Mine", "tracks:/dev", "images:."])
OTHERS = {
    "profile": st.one_of(st.sampled_from([*PROFILES]), ODD_TEXT),
    "protocol": st.one_of(st.sampled_from(["default", "released"]), ODD_TEXT),
    "device": st.one_of(st.sampled_from(["auto", "cpu"]), ODD_TEXT),
    "data": st.one_of(st.just("synthetic"), ODD_TEXT),
    "data_root": ODD_TEXT.map(Path),
    "jobs": st.one_of(st.integers(0, 8), st.integers(-(2**70), 2**70)),
    "baselines": st.booleans(),
}


@st.composite
def requests(draw: st.DrawFn) -> dict[str, Any]:
    """Options of which a few are odd: were all, the first would hide the others."""
    methods = draw(st.lists(st.sampled_from(METHOD_NAMES), min_size=1, max_size=3, unique=True))
    tasks = draw(st.lists(st.sampled_from(TASK_NAMES), min_size=1, max_size=3, unique=True))
    options: dict[str, Any] = {"profile": draw(st.sampled_from(["smoke", "mini", "paper"]))}
    for part in draw(
        st.lists(st.sampled_from(["method", "task", "settings", "settings", "seeds", *OTHERS]), max_size=2)
    ):
        if part == "method":
            methods.append(draw(ODD_METHOD))
        elif part == "task":
            tasks.append(draw(ODD_TASK))
        elif part == "settings":
            options["settings"] = draw(st.lists(setting([*methods, *tasks]), min_size=1, max_size=3))
        else:
            options[part] = draw(SEEDS if part == "seeds" else OTHERS[part])
    return {**options, "methods": ",".join(methods), "tasks": ",".join(tasks)}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return Store(tmp_path_factory.mktemp("requests") / "store")


def check(options: dict[str, Any], store: Store) -> str:
    """Whether a request is `valid`, or what is said of it."""
    try:
        request = Options(**options).request()
        plan = cells(request, store)
        context = Context.of(request, store)
        for cell in plan[:: max(1, len(plan) // LOOKED_AT)][:LOOKED_AT]:
            if cell.not_applicable is None:
                look(cell, context, until="fit")
    except BenchError as error:
        return str(error)
    assert plan, "a request without a cell"
    return "valid"


@CAMPAIGN
@given(options=requests())
@example({"settings": ["stylegan2_e4e.train=false"], "methods": "stylegan2_e4e", "tasks": "bbt", "profile": "smoke"})
@example({"settings": ["stylegan2_e4e.channel_base=1"], "methods": "ris", "tasks": "bbt", "profile": "smoke"})
@example({"seeds": "0-3000000000"})
@example({"seeds": "0-999999"})
@example({"seeds": "fit=0-999;split=0-999;evaluate=0-999"})
@example({"seeds": "0-999"})
@example({"settings": ["pdr.nf=" + "9" * 5000]})
@example({"settings": ["pdr." + ".".join("a" * 3000) + "=1"]})
@example({"settings": ["pdr.weights=" + "a" * 5000]})
@example({"tasks": "tracks:" + "a/" * 3000})
@example({"methods": "pdr[" + "a." * 2000 + "b=1]"})
def test_a_request_is_valid_or_one_line(store: Store, options: dict[str, Any]) -> None:
    tried("requests: drawn methods, tasks, seeds, settings and names")
    started = time.process_time()
    said = check(options, store)
    event("valid" if said == "valid" else "refused")
    assert said, "a refusal says why"
    assert "\n" not in said
    assert printable(said) == said
    assert len(said) < LONGEST, said[:LONGEST]
    assert time.process_time() - started < SECONDS
