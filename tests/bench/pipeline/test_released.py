"""The released protocol through the pipeline: which methods get frames of tracks as they lie on disk, and what tasks
do otherwise."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.grid.request import Options
from bench.pipeline.cell import Cell, cells
from bench.pipeline.encode import input_scale
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from methods.base import Domain
from methods.baselines import RawPixels
from methods.dcign.method import DCIGN
from methods.pdr.method import PDR
from methods.ris.method import RIS
from methods.stylegan2.method import StyleGAN2E4E
from methods.supervised import SupervisedResNet18
from methods.timm_backbone import TimmBackbone
from methods.vqvae import VQVAE
from tasks.attribution.task import AttributionConfig
from tasks.celeba_linear.config import LinearConfig

DOMAINS: tuple[Domain, ...] = ("faces", "cars")

BRIGHTEST = '''


class Brightest(Tiny):
    """The largest value that it is given."""

    trains = False

    def encode(self, images):
        return images.amax(dim=(1, 2, 3))[:, None]


class BytesConfig(Config):
    track_scale: float = 255.0


class BrightestByte(Brightest):
    Config = BytesConfig
'''
METHODS = "pdr,pdr_loocc_lv,random_init,vqvae,stylegan2_e4e,ris,raw_pixels,timm:resnet18"


def resolved(store: Path, **options: Any) -> dict[tuple[str, str], Cell]:
    """Cells by method and task."""
    values: dict[str, Any] = {"profile": "smoke", "data": "synthetic", "baselines": False, "device": "cpu", **options}
    request = Options(**values).request()
    return {(cell.method.name, cell.task.name): cell for cell in cells(request, Store(store))}


def test_frames_of_tracks_are_bytes_for_pdr_and_vqvae_alone(tmp_path: Path) -> None:
    found = resolved(tmp_path, methods=METHODS, tasks="bbt,buffy,celeba,rafdb", protocol="released")
    tracks = {method: input_scale(cell) for (method, task), cell in found.items() if task in ("bbt", "buffy")}
    assert tracks == {
        **dict.fromkeys(("pdr", "pdr_loocc_lv", "random_init", "vqvae"), 255.0),
        **dict.fromkeys(("stylegan2_e4e", "ris", "raw_pixels", "timm:resnet18"), 1.0),
    }
    assert {input_scale(cell) for (_, task), cell in found.items() if task in ("celeba", "rafdb")} == {1.0}
    default = resolved(tmp_path, methods=METHODS, tasks="bbt,celeba")
    assert {input_scale(cell) for cell in default.values()} == {1.0}


def test_only_features_of_tracks_depend_on_their_scale(tmp_path: Path) -> None:
    settings = ["vqvae.track_scale=255"]
    plain = resolved(tmp_path, methods="vqvae", tasks="bbt")["vqvae", "bbt"].method
    scaled = resolved(tmp_path, methods="vqvae", tasks="bbt", settings=settings)["vqvae", "bbt"].method
    assert scaled.config.track_scale == 255
    for encoding in (False, True):
        assert plain.identity(encoding=encoding) == scaled.identity(encoding=encoding)


def test_a_method_is_given_what_it_declares(
    grid: Callable[..., tuple[int, list[Record]]],
    own_methods: Path,
    own_tracks: Path,
    new_store: Callable[[str], Path],
) -> None:
    """Tracks in [0, 255] where the method asks for that, and images in [0, 1] whatever it asks for."""
    path = own_methods.with_name("own_brightest.py")
    path.write_text(own_methods.read_text() + BRIGHTEST)
    tasks = f"tracks:{own_tracks},celeba"
    code, records = grid(f"{path}:Brightest,{path}:BrightestByte", tasks=tasks, data="synthetic")
    assert code == 0
    found = {
        (record.method.partition(":")[2], record.task.partition(":")[0]): np.load(
            new_store("store") / "features" / record.stages["encode"].key / "features.npy"
        )
        for record in records
    }
    plain, scaled = found["Brightest", "tracks"], found["BrightestByte", "tracks"]
    assert plain.shape == (12, 1)
    assert 0.7 < plain.max() <= 1
    np.testing.assert_allclose(scaled, 255 * plain, rtol=1e-6)
    np.testing.assert_array_equal(found["Brightest", "celeba"], found["BrightestByte", "celeba"])


def test_probes_take_one_image_per_step_and_paths_start_from_zero(tmp_path: Path) -> None:
    names = {"methods": "pdr", "tasks": "celeba_linear,attribution:Smiling", "profile": "paper"}
    released, default = (resolved(tmp_path, **names, protocol=name) for name in ("released", "default"))
    of = {name: [cell.task.task.config for cell in found.values()] for name, found in [("r", released), ("d", default)]}
    assert [config.batch_size for config in of["r"]] == [1, 1]
    assert [config.schedule(mode).batch_size for config in of["r"] for mode in ("frozen", "finetuned")] == [1] * 4
    assert [config.batch_size for config in of["d"]] == [32, 32]
    assert (of["r"][1].baseline, of["d"][1].baseline) == ("zero", "mean")
    own = resolved(tmp_path, **names, protocol="released", settings=["celeba_linear.batch_size=8"])
    assert own["pdr", "celeba_linear"].task.task.config.batch_size == 8, "what is set comes on top"


@pytest.mark.parametrize(
    ("method", "settings", "expected"),
    [
        ("vqvae", [], {"learning_rate": 2e-4, "batch_size": 256, "patience": 10}),
        ("vqvae", ["vqvae.schedule.max_steps=5"], {"max_steps": 5, "batch_size": 256}),
        ("pdr", ["pdr.schedule.max_steps=5"], {"max_steps": 5, "weight_decay": 5e-4, "batch_size": 64}),
    ],
)
def test_a_schedule_in_part_goes_on_from_the_methods_own(
    tmp_path: Path, method: str, settings: list[str], expected: dict[str, float]
) -> None:
    found = resolved(tmp_path, methods=method, tasks="bbt", profile="paper", protocol="released", settings=settings)[
        method, "bbt"
    ]
    schedule = found.method.config.schedule.model_dump()
    assert {name: schedule[name] for name in expected} == expected


def flattened(values: Mapping[str, Any], prefix: str = "") -> set[str]:
    """`schedule.patience`, ..."""
    return {
        name
        for key, value in values.items()
        for name in (flattened(value, f"{prefix}{key}.") if isinstance(value, Mapping) else [f"{prefix}{key}"])
    }


def test_readme_lists_exactly_what_it_changes() -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text()
    table = text.partition("`--protocol released` does")[2].partition("\n\n| profile |")[0]
    rows = [line.split("|")[1:3] for line in table.splitlines() if line.startswith("| `")]
    listed = {where.strip(" `").partition("`")[0]: set(re.findall(r"`([\w.]+)`? ", said)) for where, said in rows}
    both = {name for domain in DOMAINS for name in flattened(PDR.for_protocol("released", domain))}
    assert listed == {
        "pdr": both - flattened(PDR.for_protocol("default", "cars")),
        "vqvae": flattened(VQVAE.for_protocol("released", "faces")),
        "dcign": flattened(DCIGN.for_protocol("released", "faces")),
        "stylegan2_e4e": flattened(StyleGAN2E4E.for_protocol("released", "faces")),
        "bbt": {"protocol"},
        "celeba_linear": set(LinearConfig.released),
        "attribution:NAME": set(AttributionConfig.released),
    }
    for method in (PDR, VQVAE):
        assert method.for_protocol("released", "faces")["track_scale"] == 255
    assert RIS.for_protocol("released", "faces") == StyleGAN2E4E.for_protocol("released", "faces")
    for other in (TimmBackbone, RawPixels, SupervisedResNet18):
        assert other.for_protocol("released", "faces") == {}


def test_the_network_without_clamps_has_none_under_either_protocol(tmp_path: Path) -> None:
    for protocol, clamp in (("default", "mean"), ("released", "first")):
        found = resolved(tmp_path, methods="dcign,dcign_entangled", tasks="bbt", protocol=protocol)
        rules = {method: cell.method.config.rule for (method, _), cell in found.items()}
        assert rules == {"dcign": clamp, "dcign_entangled": "none"}
