"""Methods as scikit-learn transformers."""

import copy
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from jaxtyping import Float
from safetensors.torch import save_file
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from torch import Tensor, nn

from bench.sklearn import Representation
from datasets.errors import BenchError
from datasets.streams import generator
from methods.base import Learner, Losses, Method, MethodConfig, Schedule, Trainer


class Tiny(Method):
    """A linear autoencoder of 8 px images."""

    trains: ClassVar[bool] = True
    domains: ClassVar[tuple[Any, ...]] = ("faces",)
    image_size = 8
    encode_batch = 16

    def __init__(self, config: MethodConfig | None = None, *, domain: Any = "faces") -> None:
        super().__init__(config or MethodConfig(schedule=Schedule(batch_size=8, max_epochs=5)), domain=domain)
        self.module: Any = nn.Sequential(nn.Flatten(), nn.Linear(192, 5), nn.Linear(5, 192))

    def fit(self, images: np.ndarray, trainer: Trainer) -> dict[str, Any]:
        return trainer.train(TinyLearner(self.module), images, self.config.schedule)

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        assert torch.is_inference_mode_enabled()
        assert not self.module.training
        return self.module[:2](images)


class WideConfig(MethodConfig):
    """A setting of its own, and one that is called like a parameter of `Representation`."""

    schedule: Schedule = Schedule(batch_size=8, max_epochs=1)
    width: int = 5
    device: str = "mine"


class Wide(Tiny):
    """The same with a width to choose; one feature tells dark from bright, none tells nothing."""

    Config: ClassVar[type[MethodConfig]] = WideConfig

    def __init__(self, config: MethodConfig | None = None, *, domain: Any = "faces") -> None:
        super().__init__(config or WideConfig(), domain=domain)
        width = self.config.width
        self.module = nn.Sequential(nn.Flatten(), nn.Linear(192, width), nn.Linear(width, 192))


class TinyLearner(Learner):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        return {"all": torch.optim.Adam(self.parameters(), 1e-2)}

    def forward(self, images: Tensor, *, phase: str, step: int, generator: torch.Generator) -> Losses:
        return self.validate(images)

    def validate(self, images: Tensor) -> Losses:
        return {"loss": (self.network(images) - images.flatten(1)).square().mean()}


def pictures(count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Dark and bright uint8 pictures, and which is which."""
    labels = np.arange(count) % 2
    noise = generator(0, "pictures").integers(0, 60, (count, 8, 8, 3))
    return (noise + 150 * labels[:, None, None, None]).astype(np.uint8), labels


def test_pipeline_learns_and_leaves_the_instance_alone() -> None:
    torch.manual_seed(0)
    method = Tiny()
    before = copy.deepcopy(method.module.state_dict())
    images, labels = pictures()
    model = make_pipeline(Representation(method, device="cpu"), LogisticRegression()).fit(images, labels)
    assert model.score(images, labels) == 1.0
    fitted = model[0]
    assert fitted.transform(images).shape == (40, 5)
    assert fitted.transform(images).dtype == np.float32
    assert list(fitted.get_feature_names_out()) == [f"representation{i}" for i in range(5)]
    curve = fitted.summary_["curve"]
    assert curve[-1]["validation"]["loss"] < curve[0]["validation"]["loss"]
    assert all(torch.equal(before[name], value) for name, value in method.module.state_dict().items())


def test_float_images_give_the_features_of_their_bytes() -> None:
    images, _ = pictures()
    fitted = Representation(Tiny(), device="cpu").fit(images)
    np.testing.assert_array_equal(fitted.transform(images / 255), fitted.transform(images))
    np.testing.assert_array_equal(fitted.transform((images / 255).astype(np.float32)), fitted.transform(images))


def test_clones_fit_to_the_same_bits_and_another_seed_to_others(tmp_path: Path) -> None:
    """Of a method given by file, whose initial weights and batches come from the seed."""
    file = Path(__file__)
    images, _ = pictures()
    original = Representation(f"{file}:Tiny", overrides={"schedule": {"max_epochs": 1, "batch_size": 8}}, device="cpu")
    first = original.fit(images).transform(images)
    np.testing.assert_array_equal(clone(original).fit_transform(images), first)
    assert not np.array_equal(clone(original).set_params(random_state=1).fit_transform(images), first)
    assert original.summary_["epochs"] == 1
    weights = tmp_path / "tiny.safetensors"
    save_file(original.method_.module.state_dict(), weights)
    loaded = clone(original).set_params(overrides={"weights": str(weights)}).fit(images[:1])
    np.testing.assert_array_equal(loaded.transform(images), first)
    assert loaded.summary_ == {}


def wide(**settings: Any) -> Representation:
    return Representation(f"{Path(__file__)}:Wide", device="cpu", **settings)


def test_a_search_varies_the_settings_of_a_method() -> None:
    images, labels = pictures()
    model = make_pipeline(wide(), LogisticRegression())
    grid = {"representation__width": [1, 3], "representation__schedule__max_epochs": [1, 2]}
    search = GridSearchCV(model, grid, cv=2, refit=False).fit(images, labels)
    assert len(search.cv_results_["params"]) == 4
    assert search.best_score_ == 1.0
    chosen = clone(model).set_params(representation__width=3).fit(images, labels)
    assert chosen[0].transform(images).shape == (40, 3)
    assert model.get_params()["representation__width"] == 5, "a clone is varied, and not what it was made of"


def test_settings_are_parameters_as_a_fit_would_take_them() -> None:
    given = {"schedule": {"max_epochs": 3}}
    learner = wide(overrides=given, profile="smoke")
    found = learner.get_params()
    assert (found["width"], found["schedule__max_epochs"], found["schedule__batch_size"]) == (5, 3, 8)
    assert found["device"] == "cpu", "the parameter, not the method's setting of the same name"
    assert "width" not in learner.get_params(deep=False)
    learner.set_params(width=2, schedule__batch_size=4, profile="mini")
    assert learner.overrides == {"schedule": {"max_epochs": 3, "batch_size": 4}, "width": 2}
    assert given == {"schedule": {"max_epochs": 3}}
    assert learner.profile == "mini"
    assert clone(learner).get_params()["width"] == 2
    assert Representation("pdr", profile="smoke").get_params()["nf"] == 16, "the profile's"


@pytest.mark.parametrize(
    ("learner", "given", "message"),
    [
        (wide(), {"widht": 3}, "has no setting 'widht': did you mean width"),
        (wide(), {"schedule__max_step": 3}, r"has no setting 'schedule\.max_step': did you mean max_steps"),
        (wide(), {"width": "broad"}, "width = 'broad': Input should be a valid integer"),
        (Representation("prd"), {"width": 3}, "did you mean pdr"),
        (Representation(Tiny()), {"width": 3}, "configure the instance itself"),
    ],
)
def test_a_setting_that_a_method_does_not_have_is_one_line(
    learner: Representation, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(BenchError, match=message):
        learner.set_params(**given)
    assert learner.overrides is None


def test_a_learner_whose_method_does_not_exist_can_still_be_looked_at_and_mended() -> None:
    broken = make_pipeline(Representation("prd", profile="smoke"), LogisticRegression())
    assert "prd" in repr(broken)
    assert "representation__nf" not in broken.get_params()
    broken.set_params(representation__method="pdr", representation__nf=32)
    assert broken.get_params()["representation__nf"] == 32


def test_registered_methods_by_name() -> None:
    images = generator(0, "images").integers(0, 256, (3, 64, 64, 3)).astype(np.uint8)
    features = Representation("raw_pixels").fit_transform(images)
    np.testing.assert_allclose(np.sort(features, 1), np.sort(images.reshape(3, -1) / 255, 1), atol=1e-6)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "raw_pixel"}, "did you mean raw_pixels"),
        ({"method": "raw_pixels", "profile": "mni"}, "did you mean mini"),
        ({"method": "raw_pixels", "overrides": {"size": 3}}, "raw_pixels has no setting 'size'"),
        ({"method": "raw_pixels", "domain": "boats"}, "unknown domain 'boats': expected one of faces, cars"),
        ({"method": f"{__file__}:Tiny", "domain": "cars"}, "Tiny has no model of cars, only of faces"),
        ({"method": Tiny(), "overrides": {"schedule": {}}, "device": "cpu"}, "configure the instance itself"),
    ],
)
def test_wrong_settings_are_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message) as caught:
        Representation(**settings).fit(np.zeros((1, 64, 64, 3), np.uint8))
    assert "\n" not in str(caught.value)


def by_file(**settings: Any) -> Representation:
    """Tiny by its file, so that its initial weights come from the seed."""
    overrides = {"schedule": {"max_epochs": 1, "batch_size": 8}}
    return Representation(f"{Path(__file__)}:Tiny", overrides=overrides, device="cpu", **settings)


def test_any_kind_of_seed_that_scikit_learn_knows() -> None:
    images, _ = pictures()
    seven = by_file(random_state=7).fit_transform(images)
    np.testing.assert_array_equal(by_file(random_state=np.int64(7)).fit_transform(images), seven)
    drawn = by_file(random_state=np.random.RandomState(3))
    first, second = drawn.fit_transform(images), drawn.fit_transform(images)
    assert not np.array_equal(first, second), "each fit draws another seed, as scikit-learn has it"
    again = by_file(random_state=np.random.RandomState(3)).fit(images)
    np.testing.assert_array_equal(again.transform(images), first)
    np.testing.assert_array_equal(by_file(random_state=again.seed_).fit_transform(images), first)
    assert by_file(random_state=None).fit(images).seed_ != by_file(random_state=None).fit(images).seed_


@pytest.mark.parametrize("seed", ["0", 0.5, [0], np.random.default_rng(0)])
def test_what_is_no_seed_is_one_line(seed: object) -> None:
    with pytest.raises(BenchError, match="expected an integer, None or a numpy"):
        by_file().set_params(random_state=seed).fit(pictures()[0])


def test_a_training_leaves_no_filter_of_warnings_behind() -> None:
    """Worker processes of scikit-learn are sent them, and import whatever package they name before ours."""
    code = (
        "import sys, warnings; from bench.training.fabric import one_device; before = list(warnings.filters)"
        "; one_device('cpu', '32-true'); assert 'lightning.fabric' in sys.modules"
        "; print({f[2].__module__ for f in warnings.filters} - {f[2].__module__ for f in before})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["set()"]


def test_cross_validation_in_several_processes_after_a_fit() -> None:
    images, labels = pictures()
    by_file().fit(images)
    model = make_pipeline(Representation("raw_pixels", device="cpu"), LogisticRegression(max_iter=500))
    large = np.repeat(np.repeat(images, 8, axis=1), 8, axis=2)
    assert cross_val_score(model, large, labels, cv=2, n_jobs=2).tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((2, 9, 9, 3), np.uint8), r"\(2, 9, 9, 3\) cannot be encoded: expected \(n, 8, 8, 3\)"),
        (np.zeros((2, 192), np.uint8), r"shape \(2, 192\)"),
        (np.zeros((0, 8, 8, 3), np.uint8), "n > 0"),
        (np.zeros((0, 8, 8, 3), np.uint8), "no images were given"),
        (np.zeros((2, 3, 8, 8), np.uint8), "put the channels last"),
        (np.zeros((2, 8, 8), np.uint8), "repeat the grey channel"),
        (np.zeros((2, 8, 8, 3), np.int64), "images of int64"),
        (np.full((2, 8, 8, 3), 200.0), r"these are in \[200, 200\]"),
        (np.full((2, 8, 8, 3), np.nan), r"\[nan, nan\]"),
    ],
)
def test_wrong_images_are_one_line(images: np.ndarray, message: str) -> None:
    fitted = Representation(Tiny(), device="cpu").fit(pictures()[0])
    with pytest.raises(BenchError, match=message):
        fitted.transform(images)


def test_transform_before_fit() -> None:
    with pytest.raises(NotFittedError):
        Representation(Tiny()).transform(pictures()[0])


def test_a_method_that_needs_a_labelled_dataset_is_refused() -> None:
    with pytest.raises(BenchError, match=r"RIS needs more than the images to fit: it derives from .* celebamask"):
        Representation("ris", profile="smoke").fit(np.zeros((20, 64, 64, 3), dtype=np.uint8))


def test_a_method_that_learns_from_batches_of_factors_cannot_be_fitted_on_images() -> None:
    images = np.zeros((4, 64, 64, 3), dtype=np.uint8)
    with pytest.raises(BenchError, match="DCIGN learns from batches in which one factor of the scene varies") as caught:
        Representation("dcign", profile="smoke").fit(images)
    assert "\n" not in str(caught.value)
