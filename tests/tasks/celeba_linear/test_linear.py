"""CelebA's attributes from few labelled images: which images, frozen and fine-tuned, resumed, and what is refused."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import nn

from bench.training.loop import FabricTrainer
from datasets.base import Dataset, Silent
from datasets.errors import BenchError, Divergence, NotApplicable
from datasets.packed import PackedBits
from datasets.streams import generator
from methods.pdr.config import PDRConfig
from methods.pdr.method import PDR
from methods.supervised import SupervisedResNet18
from methods.vqvae.method import VQVAE, VQVAEConfig
from tasks.base import EvaluationInputs, Model, Scores, Task
from tasks.celeba_linear.config import LinearConfig
from tasks.celeba_linear.images import POOL
from tasks.celeba_linear.scores import majority_accuracy, mean_accuracy
from tasks.celeba_linear.task import CelebALinear
from tasks.results import PerItem

NAMES = ("Bright", "Red", "Smiling", "Bald", "Hat")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def drawn(train: int = 60, val: int = 10, test: int = 40, size: int = 8) -> Dataset:
    """Pictures whose first two attributes are easily seen; the third is chance, the fourth rare, the fifth unknown."""
    rng = generator(0, "pictures")
    split = rng.permutation(np.repeat([0, 1, 2], [train, val, test]))
    attributes = rng.integers(0, 2, (len(split), 5))
    attributes[:, 3] = rng.random(len(split)) < 0.1
    attributes[:, 4] = -1
    attributes[::7, 2] = -1
    images = rng.integers(0, 60, (len(split), size, size, 3))
    images += 100 * attributes[:, None, None, :1]
    images[..., 0] += 90 * attributes[:, None, None, 1]
    return Dataset(
        images=images.astype(np.uint8),
        labels={"attributes": attributes, "split": split},
        classes={"attributes": NAMES, "split": ("train", "val", "test")},
        name="celeba",
        synthetic=True,
    )


def seen(dataset: Dataset, frames: np.ndarray) -> np.ndarray:
    """Features from which the first two attributes are easily told."""
    return dataset.images[frames].mean(axis=(1, 2)).astype(np.float32) / 32


class Net(nn.Module):
    """An encoder with batch norm."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 3, stride=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten())

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


class Trained(Model):
    """Gives out copies of an encoder, and remembers them as they were given out."""

    def __init__(self, make: Callable[[], nn.Module] = Net) -> None:
        self.make = make
        self.given: list[nn.Module] = []
        self.before: list[list[torch.Tensor]] = []

    def __call__(self) -> "Trained":
        return self

    def encoder(self) -> nn.Module:
        encoder = self.make()
        self.given.append(encoder)
        self.before.append([value.clone() for value in encoder.state_dict().values()])
        return encoder

    def pyramid(self) -> nn.Module:
        raise NotApplicable("no pyramid")


class Untrainable(Trained):
    def encoder(self) -> nn.Module:
        raise NotApplicable("Pixels has no trainable encoder")


def task(**changes: Any) -> CelebALinear:
    settings = {"labels": (16, 40), "epochs": 30, "batch_size": 8, "learning_rate": 1e-2}
    return CelebALinear(LinearConfig(**{**settings, **changes}))


def score(
    folder: Path,
    protocol: CelebALinear,
    dataset: Dataset,
    features: Any = None,
    model: Any = None,
    *,
    seed: int = 0,
    progress: Any = None,
) -> Scores:
    frames = protocol.frames(dataset, seed=5)
    inputs = EvaluationInputs(
        dataset,
        frames,
        seed=seed,
        features=features(dataset, frames) if callable(features) else features,
        model=model if model is not None else Untrainable(),
        trainer=FabricTrainer(folder, seed=3, device="cpu", progress=progress),
        progress=progress,
    )
    return protocol.evaluate(inputs)


def same(one: Scores, other: Scores) -> bool:
    """Equal in everything but the time that trainings took."""
    return (
        (one.metrics, one.intervals) == (other.metrics, other.intervals)
        and set(one.predictions) == set(other.predictions)
        and all((one.predictions[name] == other.predictions[name]).all() for name in one.predictions)
    )


def test_frames_are_a_pool_of_training_images_and_the_test_images() -> None:
    dataset = drawn(train=1100, test=300, size=2)
    split = dataset.labels["split"]
    protocol = task(labels=(10, 100), test_images=200)
    frames = protocol.frames(dataset, seed=1)
    assert (np.diff(frames) > 0).all()
    assert np.bincount(split[frames], minlength=3).tolist() == [1000, 0, 200]
    assert (protocol.frames(dataset, seed=1) == frames).all()
    assert (protocol.frames(dataset, seed=2) != frames).any()
    fewer = task(labels=(10,), test_images=50).frames(dataset, seed=1)
    assert np.isin(fewer, frames).all()
    assert np.bincount(split[fewer], minlength=3).tolist() == [1000, 0, 50]
    everything = task(labels=(1100,)).frames(dataset, seed=1)
    assert np.bincount(split[everything], minlength=3).tolist() == [1100, 0, 300]


def test_fewer_labelled_images_are_the_first_of_more() -> None:
    dataset = drawn(train=1200, size=2)
    frames = task().frames(dataset, seed=1)
    many, few = (task(labels=labels).items(dataset, frames) for labels in ((10, 100, 500), (10,)))
    assert (len(many.labelled), len(few.labelled)) == (500, 10)
    assert (many.labelled[:10] == few.labelled).all()
    assert len(set(many.labelled.tolist())) == 500
    assert (dataset.labels["split"][frames[many.labelled]] == 0).all()
    assert (dataset.labels["split"][frames[many.test]] == 2).all()
    other = task().items(dataset, task().frames(dataset, seed=2))
    assert set(other.frames[other.labelled]) != set(many.frames[many.labelled[: len(other.labelled)]])


def test_features_that_show_attributes_beat_the_majority(tmp_path: Path) -> None:
    dataset = drawn()
    scores = score(tmp_path, task(), dataset, seen)
    names = ["accuracy_16_frozen", "accuracy_40_frozen", "accuracy_16_regularised", "accuracy_40_regularised"]
    assert list(scores.metrics) == names, "the paper's first"
    found = scores.details["attributes"]
    assert list(found) == list(NAMES[:4]), "nobody knows of hats"
    assert found["Bright"]["accuracy_40_frozen"] == found["Red"]["accuracy_40_frozen"] == 1
    mean = np.mean([values["accuracy_40_frozen"] for values in found.values()])
    assert scores.metrics["accuracy_40_frozen"] == pytest.approx(mean)
    truth = scores.predictions["attributes"][:, 2]
    assert found["Smiling"]["known"] == (truth >= 0).sum() < found["Bald"]["known"] == 40
    assert found["Smiling"]["positive"] == (truth == 1).sum() / (truth >= 0).sum()
    for name in ("accuracy_40_frozen", "accuracy_40_regularised"):
        assert scores.metrics[name] > scores.details["majority_accuracy"]["40"] + 0.15
    assert scores.details["unknown"] == int((scores.predictions["attributes"] < 0).sum())


def test_features_without_content_do_not(tmp_path: Path) -> None:
    scores = score(tmp_path, task(), drawn(), lambda dataset, frames: np.ones((len(frames), 3), np.float32))
    assert scores.metrics["accuracy_40_frozen"] == pytest.approx(scores.details["majority_accuracy"]["40"], abs=0.06)
    for count in (16, 40):
        assert scores.metrics[f"accuracy_{count}_regularised"] == scores.details["majority_accuracy"][str(count)]
        assert scores.secondary[f"balanced_accuracy_{count}_regularised"] == 0.5


def test_scores_follow_from_the_predictions(tmp_path: Path) -> None:
    dataset = drawn()
    scores = score(tmp_path, task(), dataset, seen, Trained())
    names = ["accuracy_16_finetuned", "accuracy_16_frozen", "accuracy_40_finetuned", "accuracy_40_frozen"]
    names += ["accuracy_16_regularised", "accuracy_40_regularised"]
    assert list(scores.metrics) == names == [metric.name for metric in task().metrics]
    attributes, frame = scores.predictions["attributes"], scores.predictions["frame"]
    assert (attributes == dataset.labels["attributes"][frame]).all()
    assert (dataset.labels["split"][frame] == 2).all()
    assert len(frame) == scores.details["test_images"] == 40
    for name in names:
        assert scores.predictions[name].dtype == np.uint8
        assert mean_accuracy(scores.predictions[name], attributes) == scores.metrics[name]
        interval = scores.intervals[name]
        assert interval.low <= scores.metrics[name] <= interval.high
        assert interval.over == "items"
    items = task().items(dataset, task().frames(dataset, seed=5))
    expected = majority_accuracy(items.attributes[items.labelled[:16]], attributes)
    assert scores.details["majority_accuracy"]["16"] == expected


def test_fine_tuning_starts_from_a_fresh_copy_each_time_and_changes_all_of_it(tmp_path: Path) -> None:
    model = Trained()
    scores = score(tmp_path, task(), drawn(), None, model)
    assert list(scores.metrics) == ["accuracy_16_finetuned", "accuracy_40_finetuned"]
    assert scores.details["not_applicable"] == {"frozen": "the method has no features before labels train it"}
    assert len(model.given) == 2
    assert all(map(torch.equal, *model.before))
    for encoder, before in zip(model.given, model.before, strict=True):
        changed = [not torch.equal(*pair) for pair in zip(encoder.state_dict().values(), before, strict=True)]
        assert all(changed), "weights, and the running statistics of the batch norm"
        assert not encoder.training
    assert [scores.details["attributes"][name]["accuracy_40_finetuned"] for name in NAMES[:2]] == [1, 1]
    trainings = scores.details["trainings"]
    assert (trainings["finetuned_16"]["steps"], trainings["finetuned_40"]["steps"]) == (60, 150)
    assert trainings["finetuned_40"]["stopped_because"] == "max_epochs"


def test_a_step_limit_holds_for_fine_tuning_alone(tmp_path: Path) -> None:
    protocol = task(finetuning_steps=50)
    trainings = score(tmp_path, protocol, drawn(), seen, Trained()).details["trainings"]
    assert {name: summary["steps"] for name, summary in trainings.items() if "steps" in summary} == {
        "frozen_16": 60,
        "frozen_40": 150,
        "finetuned_16": 50,
        "finetuned_40": 50,
    }
    assert trainings["frozen_16"]["precision"] == "32-true"


@pytest.mark.parametrize(
    ("make", "first"),
    [
        (
            lambda: PDR(PDRConfig(**PDR.profiles["smoke"])).encoder(),
            ["encoders.geometry.0.weight", "encoders.albedo.0.weight"],
        ),
        (lambda: VQVAE(VQVAEConfig(width=8, codes=16)).encoder(), ["network.encoder.0.weight", "network.emb.weight"]),
        (lambda: SupervisedResNet18().encoder(), ["backbone.conv1.weight"]),
    ],
    ids=["pdr", "vqvae", "supervised_resnet18"],
)
def test_fine_tuning_reaches_the_first_layer_of(
    make: Callable[[], nn.Module], first: list[str], tmp_path: Path
) -> None:
    """Through PDR's own normalisation, VQ-VAE's quantisation, and a backbone."""

    def seeded() -> nn.Module:
        torch.manual_seed(0)
        return make().to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    model = Trained(seeded)
    dataset = drawn(train=16, test=8, size=64)
    scores = score(tmp_path, task(labels=(16,), epochs=1), dataset, None, model)
    (encoder,) = model.given
    names = list(encoder.state_dict())
    for name in first:
        before, after = model.before[0][names.index(name)], encoder.state_dict()[name]
        assert not torch.equal(before, after), name
        assert bool(torch.isfinite(after).all())
    assert scores.predictions["accuracy_16_finetuned"].shape == (8, 5)


def test_without_a_trainable_encoder_the_frozen_scores_stay(tmp_path: Path) -> None:
    scores = score(tmp_path, task(), drawn(), seen)
    assert scores.details["not_applicable"] == {"finetuned": "Pixels has no trainable encoder"}
    with pytest.raises(NotApplicable, match="no features before labels train it; Pixels has no trainable encoder"):
        score(tmp_path / "other", task(), drawn())


def test_same_seed_same_bits_and_another_seed_other_heads(tmp_path: Path) -> None:
    protocol = task(epochs=1)
    first, again = (score(tmp_path / name, protocol, drawn(), seen, Trained()) for name in ("first", "again"))
    assert same(first, again)
    other = score(tmp_path / "other", protocol, drawn(), seen, Trained(), seed=1)
    assert (other.predictions["frame"] == first.predictions["frame"]).all()
    assert not same(first, other)


def test_asking_for_other_numbers_of_labels_changes_no_score(tmp_path: Path) -> None:
    alone = score(tmp_path / "alone", task(labels=(40,)), drawn(), seen, Trained())
    among = score(tmp_path / "among", task(), drawn(), seen, Trained())
    assert among.metrics.items() > alone.metrics.items()
    assert among.intervals.items() > alone.intervals.items()


def test_test_labels_train_nothing(tmp_path: Path) -> None:
    dataset = drawn()
    attributes = dataset.labels["attributes"].copy()
    attributes[dataset.labels["split"] != 0] = 0
    other = replace(dataset, labels={**dataset.labels, "attributes": attributes})
    first, second = (score(tmp_path / str(i), task(), data, seen) for i, data in enumerate((dataset, other)))
    assert (first.predictions["accuracy_40_frozen"] == second.predictions["accuracy_40_frozen"]).all()
    assert first.metrics != second.metrics


def test_features_may_lie_in_a_memory_map_or_in_bits(tmp_path: Path) -> None:
    dataset = drawn()
    frames = task().frames(dataset, seed=5)
    bits = dataset.images[frames].reshape(len(frames), -1) > 100
    features = bits.astype(np.float32)
    np.save(tmp_path / "features.npy", features)
    mapped = np.load(tmp_path / "features.npy", mmap_mode="r")
    packed = PackedBits(np.packbits(bits, axis=1), bits.shape[1])
    given = {"array": features, "map": mapped, "bits": packed}
    scores = [score(tmp_path / name, task(), dataset, values) for name, values in given.items()]
    assert same(scores[0], scores[1])
    assert same(scores[0], scores[2])


def test_blocks_of_test_images_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = score(tmp_path / "whole", task(), drawn(), seen, Trained())
    monkeypatch.setattr("tasks.celeba_linear.runs.BLOCK", 7)
    assert same(whole, score(tmp_path / "blocks", task(), drawn(), seen, Trained()))


class Watched(Silent):
    """Keeps what is tracked; raises what Ctrl-C raises where `stop` is."""

    def __init__(self, stop: str = "") -> None:
        self.stop = stop
        self.tracked: list[str] = []

    def track(self, items: Iterable[Any], *, total: int, what: str) -> Iterator[Any]:
        self.tracked.append(what)
        if what == self.stop:
            raise KeyboardInterrupt
        return iter(items)


def test_an_interrupted_cell_goes_on_and_ends_with_the_same_scores(tmp_path: Path) -> None:
    protocol = task(epochs=2)
    with pytest.raises(KeyboardInterrupt):
        score(tmp_path / "cut", protocol, drawn(), seen, Trained(), progress=Watched("finetuned_40: epoch 2/2"))
    assert (tmp_path / "cut" / "finetuned_16" / "finished").is_dir()
    rest = Watched()
    resumed = score(tmp_path / "cut", protocol, drawn(), seen, Trained(), progress=rest)
    assert rest.tracked == [
        "test frozen",
        "test finetuned 16",
        "finetuned_40: epoch 1/2",
        "finetuned_40: epoch 2/2",
        "test finetuned 40",
    ]
    assert same(resumed, score(tmp_path / "whole", protocol, drawn(), seen, Trained()))


def test_another_head_is_another_classifier(tmp_path: Path) -> None:
    scores = score(tmp_path, task(head="mlp", labels=(40,), epochs=15), drawn(), seen)
    assert [scores.details["attributes"][name]["accuracy_40_frozen"] for name in NAMES[:2]] == [1, 1]


def test_reductions_are_named() -> None:
    assert CelebALinear().reduced(6000) == []
    assert CelebALinear(LinearConfig(finetuning_steps=3100)).reduced(6000) == []
    assert CelebALinear(LinearConfig(epochs=20, finetuning_steps=120)).reduced(1500) == [
        "20 epochs in place of the paper's 100",
        "fine-tuning ends after 120 steps, within the 20 epochs",
        "1,500 test images in place of the paper's 6,000",
    ]


@pytest.mark.parametrize("profile", ["smoke", "mini", "paper"])
def test_profiles_are_configurations(profile: str) -> None:
    config = LinearConfig(**CelebALinear.profiles[profile])
    assert config.learning_rate == 2e-4
    if profile == "paper":
        assert (config.labels, config.epochs, config.test_images) == ((100, 500, 1000), 100, 6000)


def test_released_probes_take_one_image_per_step() -> None:
    assert LinearConfig().batch_size == 32
    assert LinearConfig(protocol="released").batch_size == 1
    assert LinearConfig(protocol="released", batch_size=8).batch_size == 8, "what is set comes on top"


@pytest.mark.parametrize(("text", "labels"), [(100, (100,)), ("100", (100,)), (["500", "100"], (100, 500))])
def test_numbers_of_labels_as_they_are_typed(text: Any, labels: tuple[int, ...]) -> None:
    assert LinearConfig(labels=text).labels == labels


@pytest.mark.parametrize("labels", [[], [0], [5, 5], "many"])
def test_numbers_of_labels_that_are_none(labels: Any) -> None:
    with pytest.raises(ValidationError, match="labels"):
        LinearConfig(labels=labels)


def test_too_few_images_are_one_line() -> None:
    with pytest.raises(BenchError, match=r"celeba\[synthetic\] has 20 training images, fewer than the 40 to be"):
        task().frames(drawn(train=20, test=5), seed=0)
    with pytest.raises(BenchError, match="none of its 70 images is of the test split"):
        task().frames(drawn(test=0), seed=0)


@pytest.mark.parametrize("kind", ["split", "attributes"])
def test_labels_that_are_not_there(tmp_path: Path, kind: str) -> None:
    dataset = drawn()
    labels = {name: values for name, values in dataset.labels.items() if name != kind}
    with pytest.raises(BenchError, match=f"no labels named {kind}"):
        score(tmp_path, task(), replace(dataset, labels=labels), np.zeros((100, 2), np.float32))


def test_a_test_set_of_which_nothing_is_known(tmp_path: Path) -> None:
    dataset = drawn()
    labels = {**dataset.labels, "attributes": np.full_like(dataset.labels["attributes"], -1)}
    with pytest.raises(BenchError, match="no attribute of any test image is known"):
        score(tmp_path, task(), replace(dataset, labels=labels), np.zeros((100, 2), np.float32))


@pytest.mark.parametrize(("part", "error"), [(0, Divergence), (2, BenchError)])
def test_features_that_are_not_finite(tmp_path: Path, part: int, error: type[BenchError]) -> None:
    dataset = drawn()
    frames = task().frames(dataset, seed=5)
    features = seen(dataset, frames)
    features[dataset.labels["split"][frames] == part] = np.nan
    with pytest.raises(error, match="finite"):
        score(tmp_path, task(), dataset, features)


def test_the_pool_holds_the_papers_largest_number() -> None:
    assert max(LinearConfig().labels) == POOL


def test_scores_are_declared_and_explained(tmp_path: Path, checked: Callable[[Task, Scores], list[str]]) -> None:
    scores = score(tmp_path, task(), drawn(), seen)
    majority, regularised, reduced = checked(task(), scores)
    assert regularised.startswith("regularised: logistic regression on standardised frozen features")
    usual = scores.details["majority_accuracy"]
    assert majority == (
        "Giving every image the majority's answer among the labelled ones scores "
        f"{usual['16']:.3f} (16), {usual['40']:.3f} (40)."
    )
    assert reduced == f"Less than the paper's protocol: {'; '.join(scores.details['reduced'])}."
    assert scores.per_item == PerItem("attribute_accuracy")


def test_a_row_below_the_majority_is_said(tmp_path: Path) -> None:
    """Labelled images without the rare attributes' features: large noise, which the plain head fits."""
    rng = generator(0, "test", "below")
    dataset = drawn()
    attributes = (rng.random(dataset.labels["attributes"].shape) < 0.1).astype(np.int64)
    rare = replace(dataset, labels={**dataset.labels, "attributes": attributes})
    noise = 20 * rng.standard_normal((len(dataset), 60)).astype(np.float32)
    scores = score(tmp_path, task(), rare, lambda data, frames: noise[frames])
    usual = scores.details["majority_accuracy"]
    below = [name for name, value in scores.metrics.items() if value < usual[name.split("_")[1]]]
    assert {"accuracy_16_frozen", "accuracy_40_frozen"} <= set(below)
    assert list(scores.notes) == [f"{name} is below the majority's answer" for name in below]
    assert list(score(tmp_path / "seen", task(), dataset, seen).notes) == []


def test_people_are_resampled_whole_where_they_are_known(
    tmp_path: Path, checked: Callable[[Task, Scores], list[str]]
) -> None:
    dataset = drawn()
    people = np.arange(len(dataset)) // 5
    known = replace(dataset, labels={**dataset.labels, "identity": people})
    scores, alone = (score(tmp_path / name, task(), data, seen) for name, data in (("a", known), ("b", dataset)))
    plain = [name for name in scores.metrics if name.endswith("frozen")]
    assert [scores.metrics[name] for name in plain] == [alone.metrics[name] for name in plain]
    assert {interval.over for interval in scores.intervals.values()} == {"people"}
    assert {interval.over for interval in alone.intervals.values()} == {"items"}
    assert (scores.predictions["person"] == people[scores.predictions["frame"]]).all()
    assert scores.per_item == PerItem("attribute_accuracy", groups="person")
    assert "Intervals resample people, each with all their images." in checked(task(), scores)
