"""What a task may say of a method, and what is said of anything else."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from bench.pipeline.scores import checked
from datasets.errors import BenchError
from tasks.base import Caption, Curve, DetailTable, Heatmap, Interval, Legend, Metric, Panel, Picture, Scores, Task
from tests.unchecked import unchecked


class Own(Task):
    dataset = "bbt"
    metrics = (Metric("accuracy"), Metric("share_*"))
    secondary = (Metric("purity"),)

    def evaluate(self, inputs: Any) -> Scores:
        raise NotImplementedError


OWN = Own()


def test_numbers_of_numpy_and_torch_become_numbers() -> None:
    given = unchecked(
        Scores({}),
        metrics={"accuracy": np.float32(0.5), "share_a": torch.tensor(0.25)},
        secondary={"purity": np.int64(1)},
        intervals={"accuracy": Interval(np.float32(0.25), np.float64(0.75), "tracks")},
        details={"n": np.int64(3)},
        notes=["caf\udce9"],
        predictions={"frame": np.arange(3)},
    )
    found = checked(given, OWN)
    assert json.dumps([found.metrics, found.secondary, found.details, found.notes]) == json.dumps(
        [{"accuracy": 0.5, "share_a": 0.25}, {"purity": 1.0}, {"n": 3}, ["caf\\udce9"]]
    )
    assert found.intervals == {"accuracy": Interval(0.25, 0.75, "tracks")}
    assert found.predictions["frame"] is given.predictions["frame"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"metrics": {"accuracy": float("nan")}}, "metrics.accuracy is nan: expected a finite number"),
        ({"metrics": {"accuracy": None}}, "metrics.accuracy is None"),
        ({"metrics": {"acuracy": 0.5}}, "'acuracy', which the task does not declare: did you mean accuracy"),
        ({"metrics": {}}, "metrics is empty: expected accuracy"),
        ({"metrics": [0.5]}, "metrics is no dictionary by name, but list"),
        ({"secondary": {"purity": np.inf}}, "secondary.purity is inf"),
        ({"intervals": {"f1": Interval(0.1, 0.2, "items")}}, "'f1', which is none of the scores: accuracy"),
        ({"intervals": {"accuracy": (0.1, 0.2)}}, "intervals.accuracy is a tuple: expected Interval"),
        ({"intervals": {"accuracy": Interval(0.2, 0.1, "items")}}, "from 0.2 to 0.1: the wrong way round"),
        ({"intervals": {"accuracy": Interval(0.2, np.nan, "items")}}, "intervals.accuracy.high is nan"),
        ({"notes": "one text"}, "notes gave str: expected a list of sentences"),
        ({"captions": [Caption("{x:.2f}", {"y": 1.0})]}, r"captions\[0\]: .* cannot be filled with \['y'\]"),
        ({"captions": Caption("a")}, "captions is a Caption: expected a list"),
        ({"charts": [Curve("t", "x", "y", (1.0, 2.0), (1.0,))]}, r"charts\[0\], 't': its parts differ in length"),
        ({"charts": [Curve("t", "x", "y", (1.0,), (np.nan,))]}, r"charts\[0\].y\[0\] is nan"),
        ({"charts": [Heatmap("t", ("a",), ("b", "c"), ((1.0,),))]}, "its parts differ in length"),
        ({"charts": [DetailTable("t", ("a", "b"), (("r", ("1", "2")),))]}, "its parts differ in length"),
        ({"details": {"a": np.arange(2)}}, "details.a is a ndarray, which is no JSON"),
        ({"details": [1]}, "details is a list"),
        ({"predictions": {"a": [1, 2]}}, "predictions.a is a list: expected an array"),
        ({"predictions": {"a": np.array([None])}}, "array of object: expected numbers, truth values or texts"),
        ({"predictions": {"a": np.float64(1)}}, "predictions.a is a float64"),
        ({"predictions": {"a": np.array(1)}}, "predictions.a is a single value"),
        ({"predictions": {"../a": np.arange(2)}}, "the name '../a': expected one that a file may have"),
        ({"pictures": {"a": np.zeros((2, 2, 3), np.uint8)}}, "pictures.a is a ndarray: expected tasks.base.Picture"),
        ({"per_item": "mean"}, "per_item is a str: expected PerItem"),
    ],
)
def test_anything_else_is_one_line_with_its_place(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=f"^Own.evaluate.*{message}") as caught:
        checked(unchecked(Scores({"accuracy": 0.5}), **given), OWN)
    assert "\n" not in str(caught.value)


def test_pixels_are_bytes() -> None:
    picture = unchecked(Picture(np.zeros((2, 2, 3), np.uint8), "grey"), pixels=np.zeros((2, 2)))
    with pytest.raises(BenchError, match=r"pictures.a has pixels float64 \(2, 2\): expected uint8 \(h, w, 3\)"):
        checked(Scores({"accuracy": 0.5}, pictures={"a": picture}), OWN)


@pytest.mark.parametrize(
    ("rows", "columns", "message"),
    [
        (("x", "y", "z"), (), "3 rows, which do not divide its height of 4 pixels"),
        (("x",), ("1", "2", "3"), "3 columns, which do not divide its width of 4 pixels"),
        (("x", "x"), (), "two rows of one name: x, x"),
        ((), ("x",), "columns, which head the strips of rows, but no rows"),
    ],
)
def test_strips_divide_their_picture(rows: tuple[str, ...], columns: tuple[str, ...], message: str) -> None:
    picture = Picture(np.zeros((4, 4, 3), np.uint8), "grey", rows, columns)
    with pytest.raises(BenchError, match=rf"^Own.evaluate: pictures\.a has {message}$"):
        checked(Scores({"accuracy": 0.5}, pictures={"a": picture}), OWN)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"width": 5}, "5 pixels from 0 on, of 4, for 1 parts at 2 times"),
        ({"top": -1}, "4 pixels from -1 on, of 4, for 2 parts at 2 times"),
        ({"rows": ("x", "y", "z")}, "4 pixels from 0 on, of 4, for 3 parts at 2 times"),
        ({"columns": ()}, "4 pixels from 0 on, of 4, for 0 parts"),
        ({"scale": 0}, "for 1 parts at 0 times"),
    ],
)
def test_panels_lie_in_their_picture(changes: dict[str, Any], message: str) -> None:
    whole = Panel(columns=("x",), rows=("a", "b"), left=0, top=0, width=4, height=4, scale=2)

    def given(panel: Panel) -> Scores:
        return Scores(
            {"accuracy": 0.5}, pictures={"a": Picture(np.zeros((4, 4, 3), np.uint8), "grey", panels=(panel,))}
        )

    assert checked(given(whole), OWN).pictures["a"].panels == (whole,)
    with pytest.raises(BenchError, match=rf"pictures\.a\.panels: .*{message}"):
        checked(given(replace(whole, **changes)), OWN)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"panels": ("x",)}, r"panels\[0\] is a str: expected Panel"),
        ({"legend": "red"}, "legend is a str: expected Legend"),
        ({"legend": Legend(("a", "b"), ("#000000",))}, "legend has 2 names"),
        ({"legend": Legend(("a",), ("#000000",), bar=True)}, "legend has 1 names"),
        ({"on_page": 1}, "on_page is a int"),
    ],
)
def test_what_a_picture_says_of_itself_is_what_it_should_be(changes: dict[str, Any], message: str) -> None:
    picture = unchecked(Picture(np.zeros((4, 4, 3), np.uint8), "grey"), **changes)
    with pytest.raises(BenchError, match=rf"pictures\.a\.{message}"):
        checked(Scores({"accuracy": 0.5}, pictures={"a": picture}), OWN)


def test_names_of_strips_are_texts_and_are_kept() -> None:
    picture = Picture(np.zeros((4, 4, 3), np.uint8), "grey", ("x", "y"), ("1",))
    found = checked(Scores({"accuracy": 0.5}, pictures={"a": picture}), OWN).pictures["a"]
    assert (found.rows, found.columns) == (("x", "y"), ("1",))
    with pytest.raises(BenchError, match=r"pictures\.a\.rows gave str: expected a list of sentences"):
        checked(Scores({"accuracy": 0.5}, pictures={"a": unchecked(picture, rows="xy")}), OWN)


def test_scores_are_scores() -> None:
    with pytest.raises(BenchError, match=r"Own\.evaluate gave a dict: expected tasks\.base\.Scores"):
        checked({"accuracy": 0.5}, OWN)
