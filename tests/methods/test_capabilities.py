"""What methods say that they can do is what they define, and what they cite is the paper's."""

from typing import ClassVar

import pytest
import torch
from torch import Tensor, nn

from bench.grid.catalogue import METHODS
from bench.grid.registry import Entry
from datasets.errors import NotApplicable
from methods.base import CAPABILITIES, HOOKS, Method
from methods.baselines import Chance, RawPixels
from methods.datasetgan.method import DatasetGAN
from methods.labelled_unet import UNetAllLabels, UNetFewLabels
from methods.pdr.config import PDRConfig
from methods.pdr.method import PDR, RandomInit
from methods.pdr.unet import PDRUNet, PDRUNetConfig, UNetRandomInit
from methods.ris.method import RIS
from methods.stylegan2.method import StyleGAN2E4E
from methods.supervised import SupervisedResNet18

NAMES = sorted(METHODS.entries())
ON_SCENES = {
    *("features", "encoder", "groups", "group_encoders", "pixel_features"),
    *("derender", "novel_view", "relight", "scene_factors"),
}
OF_PDR = ("klinghoffer2022pdr", "wu2020unsup3d", "kato2018nmr")


def entry(name: str) -> Entry:
    return METHODS.get("timm:resnet18" if name == "timm" else name)


def method_class(name: str) -> type[Method]:
    cls = entry(name).load()
    assert isinstance(cls, type)
    assert issubclass(cls, Method)
    return cls


@pytest.mark.parametrize("name", NAMES)
def test_methods_declare_what_they_define(name: str) -> None:
    cls = method_class(name)
    assert cls.provides - {"features"} == {capability for capability in HOOKS if cls.defines(capability)}
    assert cls.provides <= CAPABILITIES.keys()
    assert ("features" in cls.provides) == (cls is not SupervisedResNet18)


def test_what_the_methods_can_do() -> None:
    assert PDR.provides == ON_SCENES
    assert RandomInit.provides == ON_SCENES - {"novel_view", "relight"}
    assert PDRUNet.provides == UNetRandomInit.provides == {*ON_SCENES, "pyramid"}
    assert UNetFewLabels.provides == UNetAllLabels.provides == UNetRandomInit.provides | {"training_pairs"}
    assert DatasetGAN.provides == StyleGAN2E4E.provides | {"pyramid", "training_pairs"}
    assert RIS.provides == {"features", "encoder", "groups"}
    assert StyleGAN2E4E.provides == RIS.provides | {"pixel_features"}
    assert method_class("dcign").provides == {
        *("features", "encoder", "groups", "scene_factors"),
        *("novel_view", "relight"),
    }
    assert method_class("vqvae").provides == method_class("timm").provides == {"features", "encoder", "pixel_features"}
    assert RawPixels.provides == {"features", "pixel_features"}


@pytest.mark.parametrize(("capability", "hook"), HOOKS.items())
def test_what_is_declared_must_be_defined(capability: str, hook: str) -> None:
    with pytest.raises(TypeError, match=f"Empty provides '{capability}', so it must define {hook}") as caught:
        type("Empty", (Chance,), {"provides": frozenset({"features", capability})})
    assert "\n" not in str(caught.value)


def test_a_hook_may_be_inherited_or_mixed_in_and_names_of_ones_own_are_free() -> None:
    class Encoding:
        def encoder(self) -> nn.Module:
            return nn.Flatten()

    class Mixed(Encoding, RawPixels):
        provides: ClassVar[frozenset[str]] = frozenset({"features", "encoder", "sound"})

    class Further(Mixed):
        pass

    images: Tensor = torch.rand(2, 3, 4, 4)
    assert torch.equal(Further().encoder()(images), images.flatten(1))


def test_publications_by_method() -> None:
    found = {name: method_class(name).cites for name in NAMES if entry(name).family not in ("pdr", "pdr_unet")}
    assert found == {
        "vqvae": ("oord2017vqvae",),
        **dict.fromkeys(("dcign", "dcign_entangled"), ("kulkarni2015dcign",)),
        "stylegan2_e4e": ("karras2020stylegan2", "tov2021e4e"),
        "datasetgan": ("zhang2021datasetgan", "karras2020stylegan2", "tov2021e4e"),
        "ris": ("chong2021ris", "karras2020stylegan2", "tov2021e4e"),
        "supervised_resnet18": ("he2016resnet", "wightman2019timm"),
        "timm": ("wightman2019timm",),
        "autoencoder": ("wu2020unsup3d",),
        "beta_vae": ("higgins2017betavae", "wu2020unsup3d"),
        "simclr": ("chen2020simclr", "wu2020unsup3d"),
        "vicreg": ("bardes2022vicreg", "chen2020simclr", "wu2020unsup3d"),
        "mae": ("he2022mae", "wightman2019timm"),
        "chance": (),
        "raw_pixels": (),
        **dict.fromkeys(("unchanged", "training_mean", "retrieval"), ()),
    }
    assert RawPixels.citations(RawPixels.Config()) == RawPixels.cites


def test_the_contrastive_loss_is_cited_where_it_is_trained_with() -> None:
    assert PDR.citations(PDRConfig()) == OF_PDR
    for loocc in ("l", "lv"):
        assert PDR.citations(PDRConfig(loocc=loocc)) == (*OF_PDR, "chen2020simclr")
        assert RandomInit.citations(PDRConfig(loocc=loocc)) == ("wu2020unsup3d",)
    for cls in (PDRUNet, UNetRandomInit):
        assert cls.citations(PDRUNetConfig()) == (*OF_PDR, "ronneberger2015unet")


def test_who_cannot_rerender_says_of_what() -> None:
    images = torch.rand(1, 3, 64, 64)
    for angles, lacking in (({"yaw": 5.0}, "new view"), ({"light": 5.0}, "other light"), ({}, "new view")):
        with pytest.raises(NotApplicable, match=f"RawPixels renders .*{lacking}"):
            RawPixels().rerender(images, **angles)
