"""Any backbone of timm (PyTorch Image Models) as a method, named `timm:NAME`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from jaxtyping import Float
from pydantic import Field
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.nn import functional as F

from datasets.base import shortened
from datasets.errors import BenchError, NotApplicable, WeightsMissing, suggestion
from methods.base import Domain, Method, MethodConfig
from methods.torchvision_compat import declare_missing_operators
from methods.weight_files import head_of, is_safetensors

if TYPE_CHECKING:
    from timm.models import PretrainedCfg

WEIGHTS_FILE = "model.safetensors"


class TimmConfig(MethodConfig):
    """Which backbone, with which weights, at which size."""

    model: str = Field(description="timm's name of the model, such as resnet18 or resnet18.a1_in1k")
    pretrained: bool = Field(True, description="take timm's pre-trained weights; false: an untrained backbone")
    file: str | None = Field(
        None,
        description="timm's .safetensors file of the weights; by default the one in the Hugging Face cache",
        json_schema_extra={"kind": "file"},
    )
    input_size: int | None = Field(
        None, gt=0, description="side that images are resized to, in pixels; by default what the model was trained on"
    )


class Backbone(nn.Module):
    """Images in [0, 1] (b, 3, s, s) to pooled features (b, d): resized, normalised as in the backbone's training."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module, mean: tuple[float, ...], std: tuple[float, ...], size: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.size = size
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The pooled features."""
        features: Tensor = self.backbone(self.prepared(images))
        return features.flatten(1)

    def prepared(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 size size"]:
        """Images as the backbone takes them."""
        if images.shape[-2:] != (self.size, self.size):
            images = F.interpolate(images, (self.size, self.size), mode="bilinear", antialias=True)
        return (images - self.mean) / self.std


class BackboneMethod(Method):
    """A method whose only network is a `Backbone`."""

    provides: ClassVar[frozenset[str]] = frozenset({"features", "encoder"})
    cites: ClassVar[tuple[str, ...]] = ("wightman2019timm",)
    module: Backbone

    def encode(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b d"]:
        """The backbone's pooled features."""
        features: Tensor = self.module(images)
        return features

    def encoder(self) -> nn.Module:
        """The backbone, with the preparation of its images."""
        return self.module


class TimmBackbone(BackboneMethod):
    """A backbone without its classifier: `timm:resnet18`, DINOv2 as `timm:vit_small_patch14_dinov2.lvd142m`, CLIP's
    encoder of images as `timm:vit_base_patch32_clip_224.openai`.

    Its weights are the file given, or the one that the Hugging Face hub's client put into its cache. Nothing is
    downloaded, and nothing but safetensors is read. How large images are, and by which mean and deviation they are
    normalised, is timm's own data configuration of the model.
    """

    Config = TimmConfig
    provides: ClassVar[frozenset[str]] = BackboneMethod.provides | {"pixel_features"}
    encode_batch = 64

    def __init__(self, config: TimmConfig | None = None, *, domain: Domain = "faces") -> None:
        super().__init__(config, domain=domain)
        self.module = build(self.config)

    @classmethod
    def check_resources(cls, config: TimmConfig) -> None:
        """Raise BenchError where timm does not know the model, or its weights are not on this machine."""
        declare_missing_operators()
        known = described(config.model)
        if config.pretrained and config.weights is None:
            weights_file(config, known.hf_hub_id)

    def pixel_features(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """The maps that the backbone has on its way (timm's `forward_intermediates`): of each stage, or of each block.

        Raises NotApplicable where timm knows of none.
        """
        backbone: Any = self.module.backbone
        if not hasattr(backbone, "forward_intermediates"):
            raise NotApplicable(f"timm gives no maps of {self.config.model}")
        maps: list[Tensor] = backbone.forward_intermediates(self.module.prepared(images), intermediates_only=True)
        return maps

    def notes(self) -> list[str]:
        """Whether it is untrained, and whether images are resized for it."""
        config: TimmConfig = self.config
        notes = []
        if not config.pretrained and config.weights is None:
            notes.append(f"{config.model} is untrained (pretrained=false)")
        if self.module.size != self.image_size:
            notes.append(f"images of {self.image_size} px resized to {self.module.size} px for {config.model}")
        return notes


def build(config: TimmConfig) -> Backbone:
    """The backbone with its weights.

    Raises BenchError where timm does not know the model, has no weights for it, or they are not on this machine.
    """
    declare_missing_operators()
    import timm
    from timm.data.config import resolve_model_data_config

    known = described(config.model)
    # `weights`, the setting of every method, is a whole state dict that is loaded over this one.
    pretrained = config.pretrained and config.weights is None
    settings: dict[str, Any] = {}
    if pretrained:
        overlay = {"file": str(weights_file(config, known.hf_hub_id)), "custom_load": False}
        settings |= {"pretrained": True, "pretrained_cfg_overlay": overlay}
    if config.input_size is not None and known.fixed_input_size:
        settings["img_size"] = config.input_size
    model: Any
    try:
        # Built with its classifier and then without: timm is only strict about weights that fit completely.
        model = timm.create_model(config.model, **settings)
    except (RuntimeError, KeyError, ValueError, AssertionError, SafetensorError) as error:
        first = next(iter(str(error).splitlines()), type(error).__name__)
        raise BenchError(f"timm cannot build {config.model} with these settings and weights: {first}") from error
    model.reset_classifier(0)
    settings_of: Callable[..., dict[str, Any]] = resolve_model_data_config
    data = settings_of(model)
    return Backbone(model, data["mean"], data["std"], config.input_size or data["input_size"][-1])


def described(name: str) -> "PretrainedCfg":
    """What timm knows of a model's weights and input; an unknown name or tag is a BenchError."""
    import timm

    architecture, _, tag = name.partition(".")
    if not timm.is_model(architecture):
        raise BenchError(f"timm has no model {architecture!r}: {_near(architecture)}")
    try:
        known = timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        tags = [full.partition(".")[2] for full in timm.list_pretrained(f"{architecture}.*")]
        raise BenchError(
            f"timm has no weights {tag!r} of {architecture}: it has {shortened(tags) or 'none'}"
        ) from error
    assert known is not None, f"timm describes no weights of {name}"
    return known


def _near(name: str) -> str:
    """How an error about a model that timm does not have ends: `dinov2` and `clip` are families of models."""
    import timm

    family = [known for known in timm.list_models() if name and name.lower() in known]
    if family:
        return f"it has {shortened(family)} with that in their name"
    return suggestion(name, timm.list_models(), "timm.list_models() names them all", cutoff=0.6)


def weights_file(config: TimmConfig, repository: str | None) -> Path:
    """The safetensors file of a model's pre-trained weights: the one given, or `repository`'s in the local cache."""
    from huggingface_hub import try_to_load_from_cache

    if config.file is not None:
        path = Path(config.file)
        if path.suffix != ".safetensors" or not path.is_file():
            raise BenchError(f"timm.file={path}: expected an existing .safetensors file with weights of {config.model}")
        if not is_safetensors(head_of(path)):
            raise BenchError(f"timm.file={path} is damaged or no safetensors file: get the weights again")
        return path
    untrained = "pass --set timm.pretrained=false for an untrained backbone"
    if repository is None:
        raise BenchError(f"timm has no pre-trained weights of {config.model} on the Hugging Face hub: {untrained}")
    found = try_to_load_from_cache(repository, WEIGHTS_FILE)
    if not isinstance(found, str):
        raise WeightsMissing(
            f"weights of {config.model} are not on this machine: run `hf download {repository} {WEIGHTS_FILE}`, or "
            f"name a file by --set timm.file=FILE, or {untrained}"
        )
    return Path(found)
