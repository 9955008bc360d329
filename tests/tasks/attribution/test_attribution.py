"""What heads go by: shares and completeness by hand, Grad-CAM where only one corner matters, the task as a whole."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bench.training.loop import FabricTrainer
from datasets.base import Dataset, Silent
from datasets.errors import BenchError, NotApplicable
from datasets.synthetic.faces.attributes import NAMES
from tasks.attribution import task as attribution
from tasks.attribution.grad_cam import Probe, grad_cam, last_spatial_layer
from tasks.attribution.pictures import AGAINST, FOR, attribution_picture, overlaid
from tasks.attribution.task import Attribution, AttributionConfig, group_shares, integrated_gradients
from tasks.base import EvaluationInputs, Model, Scores, Task
from tasks.results import DetailTable

SMILING = NAMES.index("Smiling")


def head_of(weights: Tensor) -> nn.Linear:
    head = nn.Linear(weights.shape[1], weights.shape[0])
    with torch.no_grad():
        head.weight.copy_(weights)
    return head


def test_shares_by_hand() -> None:
    attributions = np.array([[1.0, -1.0, 2.0], [0.0, 0.0, 0.0]])
    assert group_shares(attributions, [2, 1]) == pytest.approx(np.array([[0.5, 0.5], [0.5, 0.5]]))


def test_a_linear_heads_attributions_are_its_weights_times_the_way() -> None:
    rng = torch.Generator().manual_seed(0)
    head = head_of(torch.randn(3, 5, generator=rng))
    features, baseline = torch.randn(7, 5, generator=rng), torch.randn(1, 5, generator=rng)
    found, error = integrated_gradients(head, features, baseline, 1, 1e-4)
    expected = ((features - baseline) * head.weight[1]).detach().numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert error < 1e-5


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    head = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 2))
    features, baseline = torch.randn(7, 5), torch.zeros(1, 5)
    whole, _ = integrated_gradients(head, features, baseline, 0, 0.05)
    monkeypatch.setattr(attribution, "BLOCK_BYTES", 4 * attribution.STEPS * 5 * 2)
    np.testing.assert_allclose(integrated_gradients(head, features, baseline, 0, 0.05)[0], whole, atol=1e-6)


def test_incomplete_attributions_are_refused() -> None:
    class Jump(nn.Module):
        """A step, whose gradient says nothing of it."""

        def forward(self, features: Tensor) -> Tensor:
            return torch.floor(features) + 0 * features

    with pytest.raises(BenchError, match="not complete"):
        integrated_gradients(Jump(), torch.full((2, 1), 1.5), torch.zeros(1, 1), 0, 1e-4)


class Corner(nn.Module):
    """The mean brightness of one corner, after a layer with places."""

    def __init__(self, rows: slice, columns: slice) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 1, 2, stride=2, bias=False)
        nn.init.constant_(self.layer.weight, 1 / 12)
        self.rows, self.columns = rows, columns

    def forward(self, images: Tensor) -> Tensor:
        return self.layer(images)[:, :, self.rows, self.columns].mean(dim=(2, 3))


def test_grad_cam_lights_up_where_the_brightness_is() -> None:
    encoders = {"upper": Corner(slice(0, 4), slice(0, 4)), "whole": Corner(slice(0, 8), slice(0, 8))}
    images = torch.zeros(2, 3, 16, 16)
    images[0, :, :8, :8] = 1
    images[1, :, 8:, 8:] = 1
    maps = grad_cam(Probe(encoders, head_of(torch.tensor([[1.0, 1.0]])), 0), images)
    assert {name: tuple(values.shape) for name, values in maps.items()} == {"upper": (2, 16, 16), "whole": (2, 16, 16)}
    for values in maps.values():
        assert values[0, :6, :6].min() > 0.5 * values[0].max()
        assert values[0, 10:, 10:].max() < 1e-6
        assert values[1, 10:, 10:].min() > 0.5 * values[1].max()


def test_an_encoder_without_places() -> None:
    with pytest.raises(BenchError, match="no layer with places"):
        last_spatial_layer(nn.Sequential(nn.Flatten(), nn.Linear(12, 2)), torch.zeros(1, 3, 2, 2))


def test_an_empty_map_leaves_the_image_as_it_is() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)
    maps = np.zeros((2, 4, 4))
    maps[1, 0, 0] = 2
    shown = overlaid(images, maps)
    np.testing.assert_allclose(shown[0], images[0] / 255)
    assert np.abs(shown[1, 0, 0] - images[1, 0, 0] / 255).max() > 0.1


def test_what_speaks_against_shows_as_well() -> None:
    """In an encoder whose values speak against the attribute as a whole, a cut at 0 would leave nothing to see."""
    encoders = {"whole": Corner(slice(0, 8), slice(0, 8))}
    images = torch.zeros(1, 3, 16, 16)
    images[0, :, :8, :8] = 1
    [values] = grad_cam(Probe(encoders, head_of(torch.tensor([[-1.0]])), 0), images).values()
    assert values[0, :6, :6].max() < 0.5 * values[0].min() < 0
    shown = overlaid(np.full((1, 16, 16, 3), 128, dtype=np.uint8), values.numpy())
    assert (255 * shown[0, 2, 2]).round().tolist() == pytest.approx(0.35 * 128 + 0.65 * np.array(AGAINST), abs=1)


def test_a_sheet_says_what_is_true_and_what_colours_mean() -> None:
    images = np.zeros((3, 4, 4, 3), np.uint8)
    maps = {"light": np.ones((3, 4, 4))}
    found = attribution_picture(
        images, maps, {"light": 5.0}, "Smiling", np.array([1, 0, -1]), np.array([2.0, 1.5, 1.0])
    )
    [panel] = found.panels
    assert panel.rows == ("yes, logit +2.00", "no, logit +1.50", "not known, logit +1.00")
    assert panel.columns == ("input", "light 5 %")
    assert found.legend is not None
    assert (found.legend.bar, found.legend.names) == (True, ("speaks against Smiling", "speaks for Smiling"))
    below = found.pixels[panel.top + panel.height :].reshape(-1, 3).tolist()
    assert list(AGAINST) in below
    assert list(FOR) in below


class Told(Model):
    """Of its two groups one has the mouth's colour, where smiling faces are bright, and one has noise."""

    def group_encoders(self) -> Mapping[str, nn.Module]:
        return {"mouth": Corner(slice(4, 8), slice(0, 8)), "noise": Corner(slice(0, 4), slice(0, 8))}

    def feature_groups(self, images: Tensor) -> dict[str, Tensor]:
        return {name: 20 * encoder(images) for name, encoder in Told.group_encoders(self).items()}


class Shared(Told):
    def group_encoders(self) -> Mapping[str, nn.Module]:
        raise NotApplicable("one network for all")


@pytest.fixture
def dataset() -> Dataset:
    rng = np.random.default_rng(0)
    attributes = np.full((200, len(NAMES)), -1)
    attributes[:, SMILING] = rng.integers(0, 2, 200)
    images = rng.integers(0, 40, (200, 16, 16, 3), dtype=np.uint8)
    images[attributes[:, SMILING] == 1, 8:] += 200
    return Dataset(
        images,
        labels={"attributes": attributes, "split": np.repeat([0, 2], 100)},
        classes={"attributes": NAMES, "split": ("train", "val", "test")},
        name="drawn",
        synthetic=True,
    )


def scored(model: Any, dataset: Dataset, folder: Any, attribute: str = "Smiling", **settings: Any) -> Scores:
    task = Attribution(
        AttributionConfig(attribute=attribute, labels=(64,), epochs=40, batch_size=8, learning_rate=0.05, **settings)
    )
    trainer = FabricTrainer(folder, seed=0, split_seed=0, device="cpu", progress=Silent())
    frames = task.frames(dataset, seed=0)
    return task.evaluate(EvaluationInputs(dataset, frames, seed=0, model=model, trainer=trainer))


def test_the_group_that_tells_has_the_larger_share(dataset: Dataset, tmp_path: Any) -> None:
    scores = scored(Told, dataset, tmp_path)
    found = scores.details["attribution"]
    assert scores.metrics["head_accuracy"] > 0.95
    assert sum(found["percent"].values()) == pytest.approx(100)
    assert found["percent"]["mouth"] > 80
    assert scores.metrics["share_mouth"] == pytest.approx(found["percent"]["mouth"] / 100)
    assert scores.intervals["share_mouth"].low <= scores.metrics["share_mouth"] <= scores.intervals["share_mouth"].high
    assert scores.predictions["attribution"].shape == (100, 2)
    assert scores.metrics == pytest.approx({name: scores.predictions[name].mean() for name in scores.metrics})
    assert scores.pictures["grad_cam"].pixels.dtype == np.uint8
    assert "surest" in scores.pictures["grad_cam"].caption
    again = scored(Told, dataset, tmp_path / "again")
    assert again.metrics == scores.metrics


def test_released_paths_start_from_zero(dataset: Dataset, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    starts: list[Tensor] = []

    def watched(head: nn.Module, features: Tensor, baseline: Tensor, column: int, tolerance: float) -> Any:
        starts.append(baseline)
        return integrated_gradients(head, features, baseline, column, tolerance)

    monkeypatch.setattr("tasks.attribution.task.integrated_gradients", watched)
    default, released = (scored(Told, dataset, tmp_path / name, protocol=name) for name in ("default", "released"))
    mean, zero = starts
    assert mean.abs().min() > 0
    assert zero.abs().max() == 0
    assert mean.shape == zero.shape == (1, 2)
    assert default.metrics["head_accuracy"] == released.metrics["head_accuracy"], "the head is the same"
    assert default.metrics["share_mouth"] != released.metrics["share_mouth"]
    assert released.details["attribution"]["error"] < 1e-4, "complete from there too"


def test_groups_that_share_a_network_have_shares_but_no_pictures(dataset: Dataset, tmp_path: Any) -> None:
    scores = scored(Shared, dataset, tmp_path)
    assert not scores.pictures
    assert scores.details["attribution"]["grad_cam"] == "one network for all"
    assert scores.charts[0].title.endswith("; no Grad-CAM: one network for all")


def test_shares_as_a_table(dataset: Dataset, tmp_path: Any, checked: Callable[[Task, Scores], list[str]]) -> None:
    scores = scored(Told, dataset, tmp_path)
    assert checked(Attribution(AttributionConfig(attribute="Smiling")), scores) == []
    [table] = scores.charts
    assert isinstance(table, DetailTable)
    assert "what Smiling is told from" in table.title
    assert "Grad-CAM" not in table.title
    percent = scores.details["attribution"]["percent"]
    assert table.rows == tuple((name, (f"{percent[name]:.1f} %",)) for name in ("mouth", "noise"))


def test_too_few_labelled_images_say_what_to_set(dataset: Dataset) -> None:
    with pytest.raises(BenchError, match=r"--set TASK\.labels="):
        Attribution(AttributionConfig(attribute="Smiling")).frames(dataset, seed=0)


def test_an_attribute_that_nobody_knows(dataset: Dataset, tmp_path: Any) -> None:
    with pytest.raises(BenchError, match="known are Smiling"):
        scored(Told, dataset, tmp_path, "Young")
    with pytest.raises(ValueError, match="CelebA has 5_o_Clock_Shadow"):
        AttributionConfig(attribute="Handsome")
