"""Where the time goes: each moment once, in the innermost part; the renderer found by itself; off by default."""

import threading
from collections import Counter

import pytest
import torch
from torch.autograd import Function

from bench import timing
from bench.commands.run import time_table
from methods.rendering import numba_backend
from methods.rendering.scene import DepthRenderer


class Hands:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> tuple[timing.Clock, Hands]:
    hands = Hands()
    clock = timing.Clock(hands)
    monkeypatch.setattr(timing, "_clock", clock)
    return clock, hands


def test_the_outer_part_stands_still_while_the_inner_one_runs(clock: tuple[timing.Clock, Hands]) -> None:
    _, hands = clock
    hands.time = 1
    with timing.part("network"):
        hands.time = 3
        with timing.part("render"):
            hands.time = 3.5
        hands.time = 5
    hands.time = 100
    assert timing.take() == {"network": 3.5, "render": 0.5}
    assert timing.take() == {}


def test_a_part_that_fails_is_counted_and_ended(clock: tuple[timing.Clock, Hands]) -> None:
    _, hands = clock

    def fail() -> None:
        with timing.part("evaluate"):
            hands.time = 2
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    hands.time = 9
    assert timing.take() == {"evaluate": 2}


def test_other_threads_are_left_out(clock: tuple[timing.Clock, Hands]) -> None:
    def work() -> None:
        with timing.part("data"):
            clock[1].time += 1

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert timing.take() == {}


def test_nothing_is_counted_by_default() -> None:
    with timing.part("data"):
        pass
    assert timing.take() == {}


def test_rendering_is_found_forward_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    functions = [f for f in vars(numba_backend).values() if isinstance(f, type) and issubclass(f, Function)]
    for owner in (DepthRenderer, *functions):
        for name in {"warp", "inverse_grid", "normals", "backward"} & set(vars(owner)):
            monkeypatch.setattr(owner, name, vars(owner)[name])  # undone after the test
    monkeypatch.setattr(timing, "_clock", None)
    timing.start()
    renderer = DepthRenderer(16)
    depth = torch.full((2, 16, 16), 1.0, requires_grad=True)
    seen = renderer.warp(depth, torch.zeros(2, 6))
    forward = timing.take()
    seen.sum().backward()
    assert set(forward) == set(timing.take()) == {"render"}
    assert depth.grad is not None
    monkeypatch.setattr(timing, "_clock", None)


def test_the_table_has_every_part() -> None:
    table = time_table(Counter({"network": 3.0, "render": 1.0}), 2.5)
    assert list(table.columns[0].cells) == list(timing.PARTS)
    assert dict(zip(table.columns[0].cells, table.columns[2].cells, strict=True))["network"] == "75.0%"
