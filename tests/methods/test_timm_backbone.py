"""timm backbones: names, weights, sizes. `test_resnet` and `test_vit` are timm's own tiny models."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from datasets.errors import BenchError
from methods.timm_backbone import TimmBackbone, TimmConfig, declare_missing_operators

declare_missing_operators()
import timm  # noqa: E402

REPOSITORY = "timm/test_resnet.r160_in1k"


def method(**settings: object) -> TimmBackbone:
    backbone = TimmBackbone(TimmConfig.model_validate(settings))
    backbone.module.eval()
    return backbone


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A file of the whole model's weights, classifier included, as timm publishes them."""
    torch.manual_seed(1)
    path = tmp_path / "weights.safetensors"
    save_file(timm.create_model("test_resnet").state_dict(), path)
    return path


def same(backbone: TimmBackbone, file: Path) -> bool:
    from safetensors.torch import load_file

    theirs, ours = load_file(file), backbone.module.backbone.state_dict()
    return all(torch.equal(value, theirs[name]) for name, value in ours.items())


def test_untrained_backbone_says_so() -> None:
    backbone = method(model="test_resnet", pretrained=False)
    images = torch.rand(2, 3, 64, 64)
    features = backbone.encode(images)
    assert features.shape == (2, backbone.module.backbone.num_features)
    assert backbone.notes()[0] == "test_resnet is untrained (pretrained=false)"
    assert "resized to 160 px" in backbone.notes()[1]
    assert torch.equal(backbone.encoder()(images), features)


def test_images_are_normalised_as_in_training() -> None:
    backbone = method(model="test_resnet", pretrained=False, input_size=64)
    images = torch.rand(2, 3, 64, 64)
    config = backbone.module.backbone.pretrained_cfg
    mean, std = (torch.tensor(config[name]).view(1, 3, 1, 1) for name in ("mean", "std"))
    expected = backbone.module.backbone((images - mean) / std)
    torch.testing.assert_close(backbone.encode(images), expected)


def test_input_size_of_a_model_with_a_fixed_grid() -> None:
    backbone = method(model="test_vit", pretrained=False, input_size=64)
    assert backbone.encode(torch.rand(1, 3, 64, 64)).ndim == 2


def test_weights_of_a_file(weights: Path) -> None:
    backbone = method(model="test_resnet", file=str(weights))
    assert same(backbone, weights)
    assert not any("untrained" in note for note in backbone.notes())


def test_weights_of_the_cache(cache: Path, weights: Path) -> None:
    folder = cache / "models--timm--test_resnet.r160_in1k"
    (folder / "snapshots" / "abc").mkdir(parents=True)
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("abc")
    weights.rename(folder / "snapshots" / "abc" / "model.safetensors")
    assert same(method(model="test_resnet"), folder / "snapshots" / "abc" / "model.safetensors")


def test_absent_weights_are_an_error_never_a_random_network(cache: Path) -> None:
    with pytest.raises(BenchError, match=f"hf download {REPOSITORY}.*timm.file=FILE.*timm.pretrained=false"):
        method(model="test_resnet")


@pytest.mark.parametrize("name", ["weights.pth", "absent.safetensors"])
def test_only_existing_safetensors_are_read(tmp_path: Path, name: str) -> None:
    (tmp_path / "weights.pth").write_bytes(b"")
    with pytest.raises(BenchError, match=r"expected an existing \.safetensors file"):
        method(model="test_resnet", file=str(tmp_path / name))


def test_weights_that_do_not_fit_are_an_error(tmp_path: Path, weights: Path) -> None:
    with pytest.raises(BenchError, match="cannot build test_vit"):
        method(model="test_vit", file=str(weights))
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(BenchError, match="cannot build test_resnet"):
        method(model="test_resnet", file=str(weights))


def test_a_lacking_tensor_is_an_error(tmp_path: Path) -> None:
    state = timm.create_model("test_resnet").state_dict()
    del state["conv1.weight" if "conv1.weight" in state else next(iter(state))]
    save_file(state, tmp_path / "weights.safetensors")
    with pytest.raises(BenchError, match="cannot build test_resnet"):
        method(model="test_resnet", file=str(tmp_path / "weights.safetensors"))


def test_imported_weights_need_no_cache(cache: Path) -> None:
    """The harness loads them over whatever the backbone starts from."""
    assert not any("untrained" in note for note in method(model="test_resnet", weights="mine").notes())


def test_unknown_names() -> None:
    with pytest.raises(BenchError, match="no model 'resnet81': did you mean resnet"):
        method(model="resnet81", pretrained=False)
    with pytest.raises(BenchError, match=r"no weights 'nonsense' of resnet18: it has .*a1_in1k"):
        method(model="resnet18.nonsense", pretrained=False)


@pytest.mark.parametrize("family", ["dinov2", "CLIP"])
def test_the_name_of_a_family_is_answered_with_its_models(family: str) -> None:
    with pytest.raises(BenchError, match=rf"no model '{family}': it has \S*{family.lower()}\S*, .* with that in their"):
        method(model=family)


# Smallest of their kind, with the size that they are used at here and the mean that they were trained with.
KINDS = {
    "vit_small_patch14_dinov2.lvd142m": (56, (0.485, 0.456, 0.406), 384),
    "vit_xsmall_patch16_clip_224.tinyclip_yfcc15m": (64, (0.48145466, 0.4578275, 0.40821073), 256),
}


@pytest.mark.parametrize("name", KINDS)
def test_backbones_as_users_have_them(name: str, tmp_path: Path) -> None:
    """A file as timm publishes it, for the size that the model was trained at, taken at another one."""
    size, mean, width = KINDS[name]
    torch.manual_seed(1)
    whole = timm.create_model(name).eval()
    save_file(whole.state_dict(), tmp_path / "model.safetensors")
    backbone = method(model=name, file=str(tmp_path / "model.safetensors"), input_size=size)
    assert backbone.module.mean.flatten().tolist() == pytest.approx(mean)
    assert backbone.notes() == ([f"images of 64 px resized to {size} px for {name}"] if size != 64 else [])
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        features = backbone.encode(images)
    assert features.shape == (2, width)
    theirs, ours = whole.state_dict(), backbone.module.backbone.state_dict()
    changed = {key for key, value in ours.items() if not torch.equal(value, theirs[key])}
    assert changed == {"pos_embed"}, "places are resampled to the smaller grid"
    own = method(model=name, file=str(tmp_path / "model.safetensors"))
    assert own.module.size == whole.pretrained_cfg["input_size"][-1], "as it was trained"


@pytest.mark.parametrize("name", KINDS)
def test_offline_is_one_line(name: str, cache: Path) -> None:
    with pytest.raises(BenchError, match=f"hf download timm/{name} model.safetensors") as caught:
        TimmBackbone.check_resources(TimmConfig(model=name))
    assert "\n" not in str(caught.value)
    TimmBackbone.check_resources(TimmConfig(model=name, pretrained=False))
    TimmBackbone.check_resources(TimmConfig(model=name, weights="mine"))
