"""Which cells a free worker gets: trainings first, then what waited for them, wherever there is room."""

from bench.execution.base import Unit
from bench.execution.dispatch import Dispatch, Order
from bench.pipeline.run import FitFailure


def test_trainings_go_out_first_and_their_cells_to_whoever_is_free() -> None:
    dispatch = Dispatch([Unit((0, 1, 2)), Unit((3, 4))])
    assert dispatch.next("a") == Order(0)
    assert dispatch.next("b") == Order(3)
    assert dispatch.next("c") is None
    assert dispatch.pending
    dispatch.done("a", None)
    assert [dispatch.next("a"), dispatch.next("c")] == [Order(1), Order(2)]
    dispatch.done("b", None)
    assert dispatch.next("b") == Order(4)
    for worker in "abc":
        assert dispatch.pending, "a cell is under way"
        dispatch.done(worker, None)
    assert not dispatch.pending


def test_a_failed_training_is_not_tried_by_those_that_waited_for_it() -> None:
    dispatch, failure = Dispatch([Unit((0, 1, 2))]), FitFailure("failed", "the loss is not finite")
    dispatch.next("a")
    dispatch.done("a", failure)
    assert [dispatch.next("a"), dispatch.next("b")] == [Order(1, failure), Order(2, failure)]


def test_a_dead_workers_cell_goes_to_another_one_once() -> None:
    dispatch = Dispatch([Unit((0, 1)), Unit((2,))])
    dispatch.next("a")
    dispatch.next("b")
    assert dispatch.lost("a") == [], "another one tries"
    assert dispatch.lost("a") == [], "it had nothing more"
    assert dispatch.next("c") == Order(0), "before anything else"
    assert dispatch.lost("c") == [0, 1], "given up, with what waited for its training"
    dispatch.done("b", None)
    assert not dispatch.pending


def test_a_cell_that_another_worker_could_run_leads_to_the_others() -> None:
    dispatch = Dispatch([Unit((0, 1))])
    dispatch.next("a")
    dispatch.lost("a")
    assert dispatch.next("b") == Order(0)
    dispatch.done("b", None)
    assert dispatch.next("b") == Order(1)
