"""celeba_linear through the whole harness, on the stand-in."""

from collections.abc import Callable
from pathlib import Path

from bench.pipeline.predictions import curves_of, predictions_of
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results.table import build

Grid = Callable[..., tuple[int, list[Record]]]


def test_frozen_fine_tuned_and_supervised_rows(grid: Grid, tmp_path: Path) -> None:
    methods = "supervised_resnet18,random_init,raw_pixels"
    code, records = grid(methods, tasks="celeba_linear")
    assert code == 0, [record.error for record in records]
    supervised, random_init, raw_pixels = records
    assert set(supervised.metrics) == {"accuracy_16_finetuned"}
    assert set(random_init.metrics) == {"accuracy_16_finetuned", "accuracy_16_frozen", "accuracy_16_regularised"}
    assert set(raw_pixels.metrics) == {"accuracy_16_frozen", "accuracy_16_regularised"}
    assert raw_pixels.details["not_applicable"] == {"finetuned": "RawPixels has no trainable encoder"}
    assert (supervised.feature_size, random_init.feature_size) == (None, 512)
    assert supervised.parameters == 11_176_512
    for record in records:
        assert record.dataset is not None
        assert record.dataset.label == "celeba[synthetic]"
        assert record.details["majority_accuracy"] == raw_pixels.details["majority_accuracy"]
        assert len(record.details["reduced"]) == 2
    same = [predictions_of(record, Store(tmp_path / "store")) for record in records]
    assert all((found["frame"] == same[0]["frame"]).all() for found in same), "the same images for every method"
    (section,) = build(records).sections
    assert section.names == ("accuracy_16_finetuned", "accuracy_16_frozen", "accuracy_16_regularised")
    assert not list((tmp_path / "store" / "evaluations").iterdir()), "progress is gone once it is finished"
    assert grid(methods, tasks="celeba_linear")[1] == records, "nothing is computed twice"
    fresh = grid("random_init", tasks="celeba_linear", store="elsewhere")[1][0]
    assert (fresh.metrics, fresh.intervals) == (random_init.metrics, random_init.intervals)


def test_another_number_of_labels_is_a_setting(grid: Grid, tmp_path: Path) -> None:
    settings = ["celeba_linear.labels=8,4", "celeba_linear.head=mlp"]
    code, [record] = grid("raw_pixels", tasks="celeba_linear", settings=settings)
    assert code == 0, record.error
    kinds = [f"accuracy_{count}_{kind}" for count in (4, 8) for kind in ("frozen", "regularised")]
    assert set(record.metrics) == set(kinds)
    assert record.task_config["head"] == "mlp"
    store = Store(tmp_path / "store")
    curves = curves_of(record, store)
    assert set(curves) == {"frozen_4", "frozen_8"}, "what a task trains has its learning curves"
    assert all(entry["train"]["loss"] > 0 for curve in curves.values() for entry in curve)
    assert record.predictions is not None
    path = store.root / record.predictions / "curves.json"
    path.write_text(path.read_text()[:20])
    assert curves_of(record, store) == {}, "damaged"
    code, [record] = grid("raw_pixels", tasks="celeba_linear", settings=["celeba_linear.labels=400"])
    assert (code, record.status) == (1, "failed")
    assert "48 training images, fewer than the 400 to be labelled" in str(record.error)
