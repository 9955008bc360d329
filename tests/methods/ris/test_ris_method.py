"""RIS on a small generator: deriving the catalogue, features, fine-tuning, what does not fit."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from datasets.base import Dataset, Silent
from datasets.blocks import to_float
from datasets.errors import BenchError
from datasets.streams import generator
from methods.ris import reader as ris_reader
from methods.ris.catalogue import PART_OF_CLASS, PARTS, Catalogue, elect, nearest
from methods.ris.config import RISConfig
from methods.ris.method import RIS
from methods.ris.reader import catalogue_activations
from methods.stylegan2.method import StyleGAN2E4E

SIZES: dict[str, Any] = {
    "train": True,
    "style_dim": 8,
    "mapping_layers": 1,
    "max_channels": 8,
    "channel_base": 256,
    "encoder_width": 4,
    "encoder_units": (1, 1, 1, 1),
    "catalogue_images": 6,
    "voting_images": 10,
    "clusters": 9,
}
TRAIN, TEST = 0, 2


def build(**changes: Any) -> RIS:
    """RIS with the same random weights each time, its encoder's codes as spread out as if it were trained."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        method = RIS(RISConfig(**{**SIZES, **changes}))
        method.module.eval()
        codes = method.module.invert(torch.rand(8, 3, 4, 4).repeat_interleave(16, 2).repeat_interleave(16, 3))
        method.module.latent_avg -= codes.mean(dim=0)
        heads = [head.linear for head in method.module.encoder.styles]
        for scaled in [method.module.latent_avg, *(p for head in heads for p in head.parameters())]:
            scaled /= codes.std(dim=0).mean()
    return method


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Images of 4 x 4 patches of colour; the classes of patches are mostly the same in all images."""
    rng = generator(0, "segmented")
    images = rng.integers(0, 256, (13, 4, 4, 3), dtype=np.uint8)
    usual = np.array([[13, 13, 13, 0], [4, 4, 2, 0], [10, 10, 2, 0], [18, 18, 1, 1]])
    classes = np.where(rng.random((13, 4, 4)) < 0.8, usual, rng.integers(0, 19, (13, 4, 4))).astype(np.uint8)
    images, parts = (values.repeat(16, axis=1).repeat(16, axis=2) for values in (images, classes))
    split = np.where(np.arange(13) < 10, TRAIN, TEST)
    return Dataset(
        images=images, labels={"split": split}, truth={"parts": parts}, name="celebamask", synthetic=True, digest="d"
    )


@pytest.fixture(scope="module")
def derived(dataset: Dataset) -> Mapping[str, Tensor]:
    with torch.inference_mode():
        return build().derive(dataset, seed=1, progress=Silent())


@pytest.fixture
def method(derived: Mapping[str, Tensor]) -> RIS:
    built = build()
    built.use({name: value.clone() for name, value in derived.items()})
    return built


@pytest.fixture(scope="module")
def images(dataset: Dataset) -> Tensor:
    return to_float(dataset.images[10:])


def test_what_is_derived(derived: Mapping[str, Tensor]) -> None:
    assert {name: tuple(value.shape) for name, value in derived.items()} == {
        "centroids": (9, 8),
        "part_of_cluster": (9,),
    }
    torch.testing.assert_close(derived["centroids"].norm(dim=1), torch.ones(9))
    assert (derived["centroids"] >= 0).all()
    assert len(derived["part_of_cluster"].unique()) >= 3, "the tests need different parts"


def test_the_seed_decides_and_only_training_images_vote(dataset: Dataset, derived: Mapping[str, Tensor]) -> None:
    other = replace(dataset, images=np.concatenate([dataset.images[:10], 255 - dataset.images[10:]]))
    with torch.inference_mode():
        again = build().derive(other, seed=1, progress=Silent())
        different = build().derive(dataset, seed=2, progress=Silent())
    for name, value in derived.items():
        assert torch.equal(again[name], value)
    assert not torch.equal(different["centroids"], derived["centroids"])


def test_parts_are_elected_by_the_pixels_of_inverted_images(dataset: Dataset, derived: Mapping[str, Tensor]) -> None:
    method = build()
    with torch.inference_mode():
        w_plus = method.module.invert(to_float(dataset.images[:10]))
        clusters = nearest(derived["centroids"], catalogue_activations(method.module.generator, w_plus)).numpy()
    votes = np.zeros((9, 8), dtype=np.int64)
    for image in range(10):
        for row in range(64):
            for column in range(64):
                name = PART_OF_CLASS[dataset.truth["parts"][image, row, column]]
                votes[clusters[image, row // 2, column // 2], PARTS.index(name)] += 1
    expected = elect(torch.from_numpy(votes), derived["centroids"])
    assert torch.equal(derived["part_of_cluster"], expected)


def test_features_are_zeros_and_ones_of_every_image_alone(method: RIS, images: Tensor) -> None:
    with torch.inference_mode():
        whole = method.encode(images)
        single = torch.cat([method.encode(image[None]) for image in images])
    channels = sum(layer.channels for layer in method.module.generator.layers)
    assert whole.shape == (3, 8 * channels)
    assert set(whole.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(whole, single)
    assert len(whole.unique(dim=0)) > 1


def test_groups_are_the_parts(method: RIS, images: Tensor) -> None:
    with torch.inference_mode():
        groups, features = method.feature_groups(images), method.encode(images)
    assert tuple(groups) == PARTS
    assert torch.equal(torch.cat(list(groups.values()), dim=1), features)
    assert len({group.shape for group in groups.values()}) == 1


def test_the_size_at_full_size() -> None:
    method = RIS(RISConfig())
    layers = method.module.generator.layers
    assert len(PARTS) * sum(layer.channels for layer in layers) == 72_704
    assert sum(parameter.numel() for parameter in method.module.parameters()) == 297_506_764


def test_fine_tuning_has_the_features_values_and_gradients_to_the_encoder(method: RIS, images: Tensor) -> None:
    with torch.inference_mode():
        expected = method.encode(images)
    encoder = method.encoder().eval()
    features = encoder(images)
    assert torch.equal(features, expected)
    weights = torch.rand(features.shape, generator=torch.Generator().manual_seed(0))
    (features * weights).sum().backward()
    trained = {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}
    assert trained == {name for name, _ in encoder.named_parameters() if name.startswith("encoder.")}
    gradients = [parameter.grad for parameter in encoder.encoder.parameters()]
    assert all(gradient is not None and torch.isfinite(gradient).all() for gradient in gradients)
    assert sum(float(gradient.abs().sum()) for gradient in gradients if gradient is not None) > 0
    assert all(parameter.grad is None for parameter in method.module.generator.parameters())
    save(encoder.state_dict())  # what is checkpointed has no tensor twice


def test_fine_tuning_chunk_by_chunk_is_the_same(method: RIS, images: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = method.encoder().eval()
    found = []
    for pixels in (2**18, 2 * 64**2):
        monkeypatch.setattr(ris_reader, "PIXELS", pixels)
        encoder.zero_grad()
        features = encoder(images)
        (features * torch.linspace(-1, 1, features.shape[1])).sum().backward()
        gradients = torch.cat([parameter.grad.flatten() for parameter in encoder.encoder.parameters()])
        found.append((features.detach(), gradients))
    assert torch.equal(found[0][0], found[1][0])
    assert (found[0][1] - found[1][1]).norm() < 1e-4 * found[0][1].norm()


def test_one_checkpoint_with_stylegan2() -> None:
    other = StyleGAN2E4E(
        StyleGAN2E4E.Config(**{k: v for k, v in SIZES.items() if k in StyleGAN2E4E.Config.model_fields})
    )
    shapes = [{name: value.shape for name, value in one.module.state_dict().items()} for one in (build(), other)]
    assert shapes[0] == shapes[1]
    assert RIS.shares is StyleGAN2E4E
    for name, values in StyleGAN2E4E.profiles.items():
        assert {key: RIS.profiles[name][key] for key in values} == values


def test_pictures(method: RIS, images: Tensor) -> None:
    with torch.inference_mode():
        pictures = method.pictures(images)
        parts = method.reader.parts(method.module.invert(images))
    assert list(pictures) == ["input", "inversion", "parts"]
    for picture in pictures.values():
        assert picture.shape == images.shape
        assert 0 <= picture.min() <= picture.max() <= 1
    colours = len(pictures["parts"].flatten(2).movedim(1, -1).flatten(0, 1).unique(dim=0))
    assert colours == len(parts.unique())


def test_notes(dataset: Dataset, method: RIS) -> None:
    plain = StyleGAN2E4E.notes(method)
    assert build().notes() == plain
    missing = method.reader.catalogue.missing
    assert missing, "the test needs a part without a cluster"
    absent = f"no cluster stands for {', '.join(missing)}, whose features are all 0"
    assert method.notes() == [*plain, "catalogue of 9 clusters, mapped to parts by majority vote", absent]
    with torch.inference_mode():
        tensors = method.derive(dataset, seed=1, progress=Silent())
    method.use(tensors)
    assert "mapped to parts on celebamask[synthetic] by majority vote" in method.notes()[-2]


def test_parts_without_a_cluster_have_no_features(method: RIS, images: Tensor) -> None:
    channels = sum(layer.channels for layer in method.module.generator.layers)
    with torch.inference_mode():
        features = method.encode(images).view(3, 8, channels)
    for name in method.reader.catalogue.missing:
        assert not features[:, PARTS.index(name)].any()


def test_without_a_catalogue(images: Tensor) -> None:
    method = build()
    for use in (lambda: method.encode(images), method.encoder, lambda: method.pictures(images)):
        with pytest.raises(BenchError, match="RIS has no catalogue of parts: `bench run` derives one from celebamask"):
            use()


def test_a_catalogue_of_another_generator(derived: Mapping[str, Tensor]) -> None:
    with pytest.raises(BenchError, match=r"centroids is torch.float32 \(9, 8\), this generator's layer needs .*, 4\)"):
        build(max_channels=4).use(derived)
    with pytest.raises(BenchError, match=r"part_of_cluster has .* expected 0 to 7"):
        build().use(Catalogue(derived["centroids"], derived["part_of_cluster"] + 8).tensors())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"truth": {}}, "cannot tell RIS which cluster is which part of the face: expected truth named parts"),
        ({"labels": {}}, "expected truth named parts and labels named split"),
        ({"labels": {"split": np.full(13, TEST)}}, "has no training image"),
    ],
)
def test_a_dataset_that_cannot_vote(dataset: Dataset, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BenchError, match=message):
        build().derive(replace(dataset, **changes), seed=1, progress=Silent())
