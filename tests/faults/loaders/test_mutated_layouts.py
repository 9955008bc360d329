"""Mutated copies of every layout: each is a good dataset or one clear line, within five seconds.

`FAULTS=long` tries 500 of every layout, others at each run; without it the same few take some seconds.
"""

import json
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from datasets.base import Dataset, Silent
from datasets.errors import BenchError
from datasets.names import printable
from datasets.prepared import prepare
from tests.faults.campaign import SECONDS, drawn, tried
from tests.faults.loaders.layouts import LAYOUTS, Layout
from tests.faults.loaders.mutations import MUTATIONS, mutate

SIZE = 8

CAMPAIGN = drawn(30, 500)
NUMBER = st.integers(0, 2**16)
MUTATION = st.one_of(
    [st.tuples(st.just(kind), st.sampled_from(sorted(names)), NUMBER, NUMBER) for kind, names in MUTATIONS.items()]
)


def outcome(layout: Layout, root: Path, store: Path) -> Dataset | BaseException:
    """The prepared dataset, or what was raised; a TimeoutError where it does not come to an end."""
    found: list[Dataset | BaseException] = []

    def work() -> None:
        try:
            found.append(prepare(layout.open(root), SIZE, store, Silent()))
        except BaseException as error:
            found.append(error)

    # What hangs cannot be stopped, and must not keep the tests from ending.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return found[0] if found else TimeoutError(f"no end within {SECONDS:.0f} s")


def check_good(dataset: Dataset) -> None:
    """Everything that tasks and tables rely on."""
    count = len(dataset)
    assert count > 0
    assert dataset.images.shape == (count, SIZE, SIZE, 3)
    assert dataset.images.dtype == np.uint8
    for kind, labels in dataset.labels.items():
        assert len(labels) == count
        assert labels.min() >= -1
        if labels.ndim == 1 and kind in dataset.classes:
            assert labels.max() < len(dataset.classes[kind])
    assert all(len(values) == count for values in dataset.truth.values())
    if dataset.tracks is not None:
        assert np.unique(dataset.tracks).tolist() == list(range(len(dataset.track_names)))
    assert all(number > 0 for number in dataset.skipped.values())
    shown = [
        dataset.label,
        *dataset.track_names,
        *dataset.skipped,
        *(n for names in dataset.classes.values() for n in names),
    ]
    assert shown == [printable(name) for name in shown]
    json.dumps(shown, ensure_ascii=False).encode()


def check(found: Dataset | BaseException) -> None:
    """A good dataset or one line; anything else is a failure with its traceback."""
    if isinstance(found, Dataset):
        check_good(found)
    elif isinstance(found, BenchError):
        assert str(found) == printable(str(found)) != ""
        assert len(str(found)) < 2000
    else:
        raise found


@pytest.mark.parametrize("name", LAYOUTS)
def test_an_untouched_layout_is_whole(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    (tmp_path / "root").mkdir()
    layout.draw(tmp_path / "root")
    found = outcome(layout, tmp_path / "root", tmp_path / "store")
    check(found)
    assert isinstance(found, Dataset)
    assert set(found.skipped) <= {"track of someone else"}


@pytest.mark.parametrize("name", LAYOUTS)
@CAMPAIGN
@given(mutations=st.lists(MUTATION, min_size=1, max_size=3))
def test_a_mutated_layout_is_a_good_dataset_or_one_line(name: str, mutations: list[tuple[str, str, int, int]]) -> None:
    tried(f"loaders: mutated inputs of the layout {name}")
    layout = LAYOUTS[name]
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "root")
        root.mkdir()
        layout.draw(root)
        for mutation in mutations:
            mutate(root, *mutation)
        found = outcome(layout, root, Path(folder, "store"))
    event("a dataset with items left out" if isinstance(found, Dataset) and found.skipped else type(found).__name__)
    check(found)
