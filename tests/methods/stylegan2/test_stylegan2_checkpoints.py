"""Files of the official structure: what is taken from which, and every way in which one can be wrong."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
import torch

from datasets.errors import BenchError
from methods.stylegan2.architecture import Architecture
from methods.stylegan2.checkpoints import load
from methods.stylegan2.networks import Networks


def saved(checkpoint: Any, folder: Path, **options: Any) -> Path:
    path = folder / "file.pt"
    torch.save(checkpoint, path, **options)
    return path


def refused(architecture: Architecture, encoder: Path, generator: Path | None = None) -> str:
    with pytest.raises(BenchError) as error:
        load(architecture, encoder, generator)
    text = str(error.value)
    assert "\n" not in text
    assert str(generator or encoder) in text
    return text


@pytest.mark.parametrize("zipped", [True, False])
def test_the_encoders_file_is_complete(architecture: Architecture, official: Any, tmp_path: Path, zipped: bool) -> None:
    """Also one written by a torch before 1.6, which cannot be mapped."""
    encoder = official[1]
    state = load(architecture, saved(encoder, tmp_path, _use_new_zipfile_serialization=zipped))
    with torch.device("meta"):
        networks = Networks(architecture)
    networks.load_state_dict(state, assign=True)
    assert not any(value.is_meta for value in networks.state_dict().values())
    assert torch.equal(networks.latent_avg, encoder["latent_avg"])
    for part, prefix in ((networks.encoder, "encoder"), (networks.generator, "decoder")):
        for key, value in part.state_dict().items():
            assert torch.equal(value, encoder["state_dict"][f"{prefix}.{key}"]), key


def test_the_generators_file_takes_the_decoders_place(architecture: Architecture, official: Any, files: Path) -> None:
    generator, encoder = official
    state = load(architecture, files / "e4e_ffhq_encode.pt", files / "stylegan2-ffhq-config-f.pt")
    key = "convs.2.conv.weight"
    assert torch.equal(state[f"generator.{key}"], generator["g_ema"][key])
    assert not torch.equal(state[f"generator.{key}"], encoder["state_dict"][f"decoder.{key}"])
    assert torch.equal(state["encoder.latlayer1.weight"], encoder["state_dict"]["encoder.latlayer1.weight"])
    assert torch.equal(state["latent_avg"], encoder["latent_avg"])


def test_half_precision_becomes_single(architecture: Architecture, official: Any, tmp_path: Path) -> None:
    encoder = official[1]
    encoder["state_dict"]["encoder.latlayer1.weight"] = encoder["state_dict"]["encoder.latlayer1.weight"].half()
    assert load(architecture, saved(encoder, tmp_path))["encoder.latlayer1.weight"].dtype == torch.float32


def test_another_resolution(architecture: Architecture, files: Path) -> None:
    larger = Architecture(64, **{k: v for k, v in vars(architecture).items() if k != "resolution"})
    text = refused(larger, files / "e4e_ffhq_encode.pt")
    assert "32 px" in text
    assert "64 px" in text


def test_pickled_objects_are_refused(architecture: Architecture, official: Any, tmp_path: Path) -> None:
    encoder = {**official[1], "opts": Namespace(lr=1e-4)}
    text = refused(architecture, saved(encoder, tmp_path))
    assert "unpickling runs code" in text
    assert "official file" in text


def test_no_checkpoint_at_all(architecture: Architecture, tmp_path: Path) -> None:
    path = tmp_path / "file.pt"
    path.write_bytes(b"<!DOCTYPE html><html>quota exceeded</html>")
    assert "get the official file again" in refused(architecture, path)


def test_a_damaged_file(architecture: Architecture, files: Path) -> None:
    path = files / "e4e_ffhq_encode.pt"
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert "is damaged" in refused(architecture, path)


def test_the_files_exchanged(architecture: Architecture, files: Path) -> None:
    generator, encoder = files / "stylegan2-ffhq-config-f.pt", files / "e4e_ffhq_encode.pt"
    assert "'state_dict'" in refused(architecture, generator)
    text = refused(architecture, encoder, encoder)
    assert "'g_ema'" in text
    assert "expected stylegan2-ffhq-config-f.pt" in text


@pytest.mark.parametrize("part", ["encoder.latlayer1.weight", "decoder.convs.2.conv.modulation.weight"])
def test_keys_and_shapes_of_the_encoders_file(
    architecture: Architecture, official: Any, tmp_path: Path, part: str
) -> None:
    encoder = official[1]
    value = encoder["state_dict"].pop(part)
    assert f"lacks {part}:" in refused(architecture, saved(encoder, tmp_path))

    encoder["state_dict"][part] = value[:1]
    text = refused(architecture, saved(encoder, tmp_path))
    assert f"{part} has shape {tuple(value[:1].shape)}: expected {tuple(value.shape)}" in text

    encoder["state_dict"] |= {part: value, f"{part}_extra": value}
    assert f"has {part}_extra, which" in refused(architecture, saved(encoder, tmp_path))

    del encoder["state_dict"][f"{part}_extra"]
    encoder["state_dict"][part] = value.tolist()
    assert f"a list at {part}" in refused(architecture, saved(encoder, tmp_path))


def test_a_third_part_in_the_encoders_file(architecture: Architecture, official: Any, tmp_path: Path) -> None:
    encoder = official[1]
    encoder["state_dict"]["face_pool.weight"] = torch.zeros(1)
    assert "face_pool.weight" in refused(architecture, saved(encoder, tmp_path))


def test_an_average_latent_for_all_layers_at_once(architecture: Architecture, official: Any, tmp_path: Path) -> None:
    encoder = official[1]
    encoder["latent_avg"] = encoder["latent_avg"][0]
    assert "latent_avg" in refused(architecture, saved(encoder, tmp_path))


def test_keys_of_the_generators_file(architecture: Architecture, official: Any, files: Path, tmp_path: Path) -> None:
    generator = official[0]
    for key in ("noises.noise_3", "noises.noise_4"):
        del generator["g_ema"][key]
    path = saved(generator, tmp_path)
    assert "lacks noises.noise_3 and 1 more keys" in refused(architecture, files / "e4e_ffhq_encode.pt", path)
