"""Which cells a free worker gets: trainings first, then what waited for them, wherever there is room."""

from bench.execution.executor import Dispatch


def test_trainings_go_out_first_and_their_cells_to_whoever_is_free() -> None:
    dispatch = Dispatch([[0, 1, 2], [3, 4]])
    assert dispatch.next("a") == [0]
    assert dispatch.next("b") == [3]
    assert dispatch.next("c") is None
    assert dispatch.pending
    assert dispatch.done("a", 0, trained=True)
    assert [dispatch.next("a"), dispatch.next("c")] == [[1], [2]]
    assert dispatch.pending, "the second training is under way"
    assert dispatch.done("b", 3, trained=True)
    assert dispatch.next("b") == [4]
    assert not dispatch.pending


def test_a_failed_training_keeps_its_cells_where_it_failed() -> None:
    dispatch = Dispatch([[0, 1, 2], [3]])
    dispatch.next("a")
    dispatch.next("b")
    assert dispatch.done("b", 3, trained=True)
    assert dispatch.done("a", 0, trained=False)
    assert dispatch.next("b") is None
    assert dispatch.next("a") == [1, 2]
    assert not dispatch.done("a", 1, trained=False), "it has another one"
    assert dispatch.done("a", 2, trained=False)
    assert not dispatch.pending


def test_a_dead_worker_takes_what_waited_for_it_along() -> None:
    dispatch = Dispatch([[0, 1], [2]])
    dispatch.next("a")
    dispatch.next("b")
    assert dispatch.lost("a")
    assert not dispatch.lost("a"), "once is enough"
    assert not dispatch.pending
