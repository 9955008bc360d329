"""DatasetGAN against the published code's numbers: features, classifiers, votes, filters, taps and scores."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from methods.datasetgan.filtering import image_scores, kept, without_specks
from methods.stylegan2.architecture import Architecture
from methods.stylegan2.generator import Generator
from methods.stylegan2.taps import taps
from tasks.few_shot_parts.classes import TWELVE, TWENTY, classes_of
from tasks.interpreter.ensemble import MEMBERS, Ensemble, disagreement, elected, judged, votes
from tasks.interpreter.features import pixel_rows, stacked
from tasks.interpreter.heat import heat_maps, hottest
from tasks.interpreter.training import Stopping, cross_entropy
from tasks.metrics.keypoints import correct, distances, heat_error
from tasks.metrics.segmentation import confusions, cross_validated, intersection_over_union, part_metrics


@pytest.fixture
def golden(golden_file: Path) -> dict[str, np.ndarray]:
    with np.load(golden_file) as file:
        return dict(file)


def relative(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.abs(found - expected).max() / np.abs(expected).max())


@pytest.mark.golden("datasetgan_features_*.npz")
def test_features(golden: dict[str, np.ndarray]) -> None:
    maps = [torch.from_numpy(golden[f"map_{index}"]) for index in range(len(golden["sizes"]))]
    side = int(golden["size"])
    for mode in ("bilinear", "nearest"):
        found = stacked(maps, side, mode)
        assert relative(found[0].numpy(), golden[mode]) < 1e-5
    rows = pixel_rows(maps, side, torch.from_numpy(golden["rows"]))
    assert rows.dtype == torch.float16
    expected = golden["training_rows"]
    assert (np.abs(rows.numpy().astype(np.float32) - expected) <= np.spacing(np.abs(expected)).astype(np.float32)).all()
    assert torch.equal(pixel_rows(maps, side)[golden["rows"]], rows)


@pytest.mark.golden("datasetgan_classifier_*.npz")
def test_classifier(golden: dict[str, np.ndarray]) -> None:
    prefix = "weights/"
    state = {
        name.removeprefix(prefix): torch.from_numpy(value)[None]
        for name, value in golden.items()
        if name.startswith(prefix) and not name.endswith("num_batches_tracked")
    }
    x, labels = torch.from_numpy(golden["x"]), golden["labels"]
    ensemble = Ensemble(x.shape[1], golden["logits"].shape[1], members=1)
    ensemble.load_state_dict(state)
    assert sum(parameter.numel() for parameter in ensemble.parameters()) == golden["parameters"]
    ensemble.eval()
    logits = ensemble(x)[0].detach().numpy()
    np.testing.assert_allclose(logits, golden["logits"], rtol=0, atol=1e-4)
    best = np.sort(golden["logits"], axis=1)
    clear = best[:, -1] - best[:, -2] > 1e-3
    assert (ensemble.judge(x).label.numpy() == labels)[clear].all()

    ensemble.train()
    optimizer = torch.optim.Adam(ensemble.parameters(), lr=1e-3)
    train_logits = ensemble(torch.from_numpy(golden["train_x"])[None])
    np.testing.assert_allclose(train_logits[0].detach().numpy(), golden["train_logits"], rtol=0, atol=1e-4)
    loss = cross_entropy(train_logits, torch.from_numpy(golden["train_y"])[None]).sum()
    assert loss.item() == pytest.approx(float(golden["train_loss"]), abs=1e-5)
    loss.backward()
    own = dict(ensemble.named_parameters())
    for name, norm in zip(golden["gradnorm_names"], golden["gradnorm"], strict=True):
        gradient = own[str(name)].grad
        assert gradient is not None
        assert float(gradient.double().norm()) == pytest.approx(norm, rel=1e-4), name
    optimizer.step()
    for name, value in golden.items():
        if name.startswith("after/"):
            found = ensemble.state_dict()[name.removeprefix("after/")][0].numpy()
            np.testing.assert_allclose(found, value, rtol=0, atol=1e-5)
    after = ensemble.eval()(x)[0].detach().numpy()
    np.testing.assert_allclose(after, golden["logits_after_step"], rtol=0, atol=1e-3)


@pytest.mark.golden("datasetgan_parameters.npz")
def test_parameters(golden: dict[str, np.ndarray]) -> None:
    assert golden["ensemble"] == MEMBERS
    for classes, features, count in zip(golden["classes"], golden["features"], golden["parameters"], strict=True):
        with torch.device("meta"):
            ensemble = Ensemble(int(features), int(classes))
        assert sum(parameter.numel() for parameter in ensemble.parameters()) == MEMBERS * count


@pytest.mark.golden("datasetgan_training.npz")
def test_training(golden: dict[str, np.ndarray]) -> None:
    mask = torch.from_numpy(golden["mask"])
    cleaned = without_specks(mask, int(golden["min_pixels"]))
    np.testing.assert_array_equal(cleaned.numpy(), golden["cleaned"])
    maps, side = [torch.from_numpy(golden["features"])], mask.shape[-1]
    rows = pixel_rows(maps, side)[golden["row_indices"]].numpy()
    np.testing.assert_array_equal(rows, golden["rows"])
    np.testing.assert_array_equal(cleaned.flatten().numpy()[golden["row_indices"]], golden["row_labels"])
    for losses, step, epoch in zip(golden["losses"], golden["stop_step"], golden["stop_epoch"], strict=True):
        rule = Stopping(int(golden["warm_epochs"]), int(golden["patience_batches"]))
        per_epoch = int(golden["batches_per_epoch"])
        taken = next(place for place, loss in enumerate(losses) if rule.after(place // per_epoch, float(loss)))
        assert (taken + 1, taken // per_epoch) == (step, epoch)


@pytest.mark.golden("datasetgan_ensemble.npz")
def test_ensemble(golden: dict[str, np.ndarray]) -> None:
    logits = torch.from_numpy(golden["logits"])
    images, members, _, classes = logits.shape
    height, width = int(golden["height"]), int(golden["width"])
    pixels = logits.transpose(0, 1).flatten(1, 2)
    assert pixels.shape == (members, images * height * width, classes)
    shape = (images, height, width)
    counts = votes(pixels)
    np.testing.assert_array_equal(counts.view(*shape, classes).numpy(), golden["votes"])
    np.testing.assert_array_equal(elected(counts).view(shape).numpy(), golden["label"])
    assert (golden["label"] != golden["argmax_of_mean"]).any()
    js = disagreement(pixels).view(shape)
    np.testing.assert_allclose(js.numpy(), golden["js_exact"], rtol=0, atol=1e-5)
    both = judged(pixels)
    np.testing.assert_array_equal(both.label.view(shape).numpy(), golden["label"])
    exact = torch.from_numpy(golden["js_exact"])
    for scoring, name, chosen in (("mean", "image_mean", "kept_paper"), ("top10", "image_top10", "kept_top10")):
        scores = image_scores(exact.float(), scoring).numpy()
        np.testing.assert_allclose(scores, golden[name], rtol=1e-5)
        np.testing.assert_array_equal(kept(golden[name], 0.1), golden[chosen])
    np.testing.assert_allclose(golden["image_top10"], golden["image_top10_released"], rtol=1e-5)


@pytest.mark.golden("datasetgan_filter_*.npz")
def test_filter(golden: dict[str, np.ndarray]) -> None:
    scores, fraction = golden["scores"], float(golden["fraction"])
    assert len(scores) - len(kept(scores, fraction)) == golden["dropped"]
    np.testing.assert_array_equal(kept(scores, fraction), golden["kept_paper"])
    np.testing.assert_array_equal(kept(scores, fraction, "released"), golden["kept_released"])
    np.testing.assert_array_equal(kept(scores, 0.2, "released"), golden["kept_released_20"])
    np.testing.assert_array_equal(np.sort(kept(scores, 0.0, "released")), np.sort(golden["kept_released_off"]))


@pytest.mark.golden("datasetgan_miou.npz")
def test_miou(golden: dict[str, np.ndarray]) -> None:
    classes = int(golden["classes"])
    counts = np.stack([confusions(golden["truth"], one, classes) for one in golden["predictions"]])
    first = counts[0].sum(axis=0)
    both = np.diagonal(first)
    union = first.sum(axis=0) + first.sum(axis=1) - both
    np.testing.assert_array_equal(both, golden["intersection"])
    np.testing.assert_array_equal(union, golden["union"])
    found = part_metrics(first)
    np.testing.assert_allclose(np.nan_to_num(intersection_over_union(first)), golden["iou"], rtol=0, atol=1e-9)
    assert float(found["miou"]) == pytest.approx(float(golden["miou"]), abs=1e-9)
    assert float(found["miou_present"]) == pytest.approx(float(golden["miou_present"]), abs=1e-9)
    chosen, scores = cross_validated(counts)
    np.testing.assert_array_equal(chosen, golden["fold_checkpoint"])
    np.testing.assert_allclose(scores, golden["fold_miou"], rtol=0, atol=1e-9)
    assert scores.mean() == pytest.approx(float(golden["cross_mean"]), abs=1e-9)
    assert scores.std() == pytest.approx(float(golden["cross_sd"]), abs=1e-9)


@pytest.mark.golden("datasetgan_car20_to_12.npz")
def test_twelve_classes_of_cars(golden: dict[str, np.ndarray]) -> None:
    names, numbers = classes_of(TWENTY, 12, "cars")
    assert len(names) == len(TWELVE) == golden["ade_12"].max() + 1
    np.testing.assert_array_equal(numbers[golden["car_20"]], golden["ade_12"])


@pytest.mark.golden("datasetgan_keypoints_*.npz")
def test_keypoints(golden: dict[str, np.ndarray]) -> None:
    keypoints, visible = golden["keypoints"], golden["visible"]
    predicted = torch.from_numpy(golden["predicted_heat"])
    side = predicted.shape[-1]
    heat = heat_maps(torch.from_numpy(keypoints), torch.from_numpy(visible), side, float(golden["sigma"]))
    np.testing.assert_allclose(heat.numpy(), golden["heat"], rtol=0, atol=1e-6)
    mean = predicted.mean(dim=1)
    np.testing.assert_allclose(mean.numpy(), golden["mean_heat"], rtol=0, atol=1e-6)
    found = hottest(mean).numpy()
    np.testing.assert_array_equal(found, golden["found"])
    apart = distances(found, keypoints, visible)
    np.testing.assert_allclose(apart[visible], golden["distance"][visible], rtol=0, atol=1e-5)
    for threshold, share in zip(golden["thresholds"], golden["pck"], strict=True):
        assert correct(apart, float(threshold)) == pytest.approx(float(share))
    assert heat_error(mean.numpy(), golden["heat"]) == pytest.approx(float(golden["l2"]), rel=1e-5)
    assert heat_error(mean.numpy(), golden["heat"], visible) == pytest.approx(float(golden["l2_visible"]), rel=1e-5)


@pytest.mark.golden("datasetgan_stylegan2_taps_*.npz")
@torch.inference_mode()
def test_taps(golden: dict[str, np.ndarray], golden_weights: Callable[..., None]) -> None:
    generator = Generator(
        Architecture(
            int(golden["resolution"]),
            int(golden["style_dim"]),
            int(golden["mapping_layers"]),
            int(golden["max_channels"]),
            int(golden["channel_base"]),
        )
    )
    golden_weights(generator, kind="generator")
    w = generator.style(torch.from_numpy(golden["z"]))
    np.testing.assert_allclose(w.numpy(), golden["w"], rtol=0, atol=1e-4)
    truncated = torch.lerp(torch.from_numpy(golden["mean_w"]), w, float(golden["truncation"]))
    np.testing.assert_allclose(truncated.numpy(), golden["w_truncated"], rtol=0, atol=1e-4)
    found, image = taps(generator, generator.broadcast(truncated))
    assert [one.shape[-1] for one in found] == golden["tap_sides"].tolist()
    assert [one.shape[1] for one in found] == golden["tap_channels"].tolist()
    assert np.abs(image.numpy() - golden["image"]).max() < 1e-3 * golden["image"].std()
    for index, one in enumerate(found):
        deviation = float(golden["tap_sd"][0, index])
        assert float(one.mean()) == pytest.approx(float(golden["tap_mean"][0, index]), abs=1e-3 * deviation)
        assert float(one.std(correction=0)) == pytest.approx(deviation, rel=1e-3)
        if f"tap_{index}" in golden:
            assert np.abs(one.numpy() - golden[f"tap_{index}"]).max() < 1e-3 * golden[f"tap_{index}"].std()
    rows = stacked(found, int(golden["resolution"])).flatten(2).permute(0, 2, 1)[:, golden["pixels"]].numpy()
    scale = np.repeat(golden["tap_sd"][0], golden["tap_channels"])
    assert (np.abs(rows - golden["rows"]) < 1e-3 * scale).all()
