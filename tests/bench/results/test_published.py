"""The shapes of the files that hold published figures."""

from pathlib import Path

import pytest

from bench.grid.catalogue import METHODS, TASKS
from bench.results.published import Published, footnotes, load, published, unattributed
from datasets.errors import BenchError


def test_figures_by_number_of_labelled_images_are_metrics_of_their_own() -> None:
    assert published("pdr_loocc_lv", "celeba_linear", "accuracy_1000_frozen") == Published(0.8149, "PDR table 2")
    assert published("vqvae", "celeba_linear", "accuracy_100_finetuned") == Published(0.8148, "PDR table 2")
    assert published("supervised_resnet18", "celeba_linear", "accuracy_500_finetuned") == Published(
        0.8336, "PDR table 2"
    )
    assert published("supervised_resnet18", "celeba_linear", "accuracy_500_frozen") is None


def test_table_2_is_whole_and_names_known_metrics() -> None:
    found = {(method, metric) for method, task, metric in load().attributed if task == "celeba_linear"}
    assert len(found) == 3 * (7 + 6)
    declared = {metric.name for metric in TASKS.get("celeba_linear").load()().metrics}
    assert {metric for _, metric in found} == {name for name in declared if name.endswith(("_frozen", "_finetuned"))}
    assert "supervised_resnet18" in METHODS.entries()


def test_table_3_gives_encoders_as_methods() -> None:
    found = {(method, metric) for method, task, metric in load().attributed if task == "celeba_mask"}
    names = [name for name, entry in METHODS.entries().items() if entry.tasks == ("celeba_mask",)]
    assert found == {(name, metric.name) for name in names for metric in TASKS.get("celeba_mask").load()().metrics}
    assert len(names) == 5
    assert published("unet_random_init", "celeba_mask", "miou") == Published(0.3862, "PDR table 3")
    assert published("pdr_unet_joint", "celeba_mask", "miou_top10") == Published(0.6221, "PDR table 3")
    assert published("pdr_unet_joint_frozen", "celeba_mask", "pixel_accuracy") == Published(0.854, "PDR table 3")


def test_of_a_table_of_test_sets_a_task_has_the_lines_of_its_own(tmp_path: Path) -> None:
    own = {key: figure.value for key, figure in load().attributed.items() if key[1] == "few_shot_parts"}
    assert own["datasetgan", "few_shot_parts", "miou"] == 0.7001
    assert {metric for _, _, metric in own} == {"miou"}
    assert len(own) == 5
    assert published("datasetgan", "few_shot_parts[labelled_images=5]", "miou") is None
    [note] = [note for note in footnotes() if note.task == "few_shot_parts"]
    for key in ("transfer_learning", "transfer_learning_in_domain", "semi_supervised", "semi_supervised_in_domain"):
        assert f"{own[key, 'few_shot_parts', 'miou']:.4f}" in note.text
    figures = load(
        write(tmp_path, "method,test_set,classes,miou,source\na,Face-34,34,0.5,here\na,Car-20,20,0.5,here\n")
    )
    assert figures.attributed == {}, "of a file of another name"


def test_one_test_set_of_two_files_is_two_tasks() -> None:
    cars = {
        (task, metric): figure.value
        for (method, task, metric), figure in load().attributed.items()
        if method == "datasetgan" and "car" in task
    }
    assert cars == {
        ("few_shot_car_parts", "miou"): 0.6233,
        ("car_keypoints", "l2_loss"): 2.4e-4,
        ("car_keypoints", "pck_loose"): 0.7991,
        ("car_keypoints", "pck_middle"): 0.6714,
        ("car_keypoints", "pck_tight"): 0.3517,
    }
    metrics = {metric.name for metric in TASKS.get("car_keypoints").load().metrics}
    assert {metric for task, metric in cars if task == "car_keypoints"} < metrics
    for value in (
        "4.4e-4",
        *(f"{one.value:.4f}" for one in map(transferred, sorted(metrics)) if one and one.value > 0.1),
    ):
        assert value in next(note.text for note in footnotes() if note.task == "car_keypoints")


def transferred(metric: str) -> Published | None:
    return published("transfer_learning", "car_keypoints", metric)


def test_an_encoder_that_no_method_has(tmp_path: Path) -> None:
    with pytest.raises(
        BenchError, match=r"some_task\.csv, line 2: encoder 'a', expected one of .*supervised_random_init, geometry"
    ):
        load(write(tmp_path, "encoder,miou,source\na,0.5,here\n"))


def test_a_task_on_any_dataset_finds_the_datasets_figures() -> None:
    figure = published("pdr", "pcc:bbt", "mean_pcc")
    assert figure is not None
    assert figure.value == 0.26
    assert [figure.value for figure in unattributed("pcc:bbt", "mean_pcc")] == [0.18]
    assert published("pdr", "bbt", "accuracy") is not None
    assert published("pdr", "tracks:bbt", "accuracy") is None, "a user's folder of that name is another one"


def write(folder: Path, text: str) -> Path:
    (folder / "some_task.csv").write_text(text)
    return folder


def test_shapes(tmp_path: Path) -> None:
    figures = load(
        write(tmp_path, "method,train_samples,accuracy_top5_frozen,source\na (best),5,0.5,here\nb,5,,here\n")
    )
    assert figures.attributed == {("a", "some_task", "accuracy_5_top5_frozen"): Published(0.5, "here")}
    other = tmp_path / "other"
    other.mkdir()
    assert load(write(other, "backbone,miou,source\na,0.5,here\n")).attributed == {}


def test_a_figure_that_is_no_number_names_its_metric(tmp_path: Path) -> None:
    text = "method,train_samples,accuracy_frozen,source\na,5,high,here\n"
    with pytest.raises(BenchError, match=r"some_task\.csv, line 2: accuracy_5_frozen is 'high', not a number"):
        load(write(tmp_path, text))


def test_footnotes_are_of_figures_that_there_are(tmp_path: Path) -> None:
    found = {note.task: note for note in footnotes()}
    assert set(found) == {"rafdb", "celeba_linear", "few_shot_parts", "few_shot_car_parts", "car_keypoints"}
    share = 1185 / 3068
    figures = [published("ris", "rafdb", metric) for metric in ("accuracy", "f1")]
    assert [figure.value for figure in figures if figure] == pytest.approx(
        [share, 2 * share**2 / (1 + share)], abs=1e-4
    )
    assert "0.3862 / 0.2152" in found["rafdb"].text
    lv = {
        getattr(published("pdr_loocc_lv", "celeba_linear", name), "value", None)
        for name in found["celeba_linear"].metrics
    }
    assert lv == {0.8556}
    write(tmp_path, "method,train_samples,accuracy_frozen,source\na,5,0.5,here\n")
    (tmp_path / "notes.csv").write_text("task,methods,metrics,note\nsome_task,a,f1,odd\n")
    with pytest.raises(BenchError, match=r"notes\.csv, line 2: no file gives a/some_task/f1"):
        footnotes(tmp_path)
