"""A textured mesh as a value, and as a file that other programs open."""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, Int64
from PIL import Image
from torch import Tensor

from datasets.errors import BenchError, ResourceMissing
from datasets.files import write_with
from methods.rendering.dibr_texture import Seam


@dataclass(frozen=True)
class TexturedMesh:
    """A mesh in world space: x to the right, y up, z to the front.

    vertices: their places.
    faces: three vertices each, seen anticlockwise from outside.
    uvs: texture coordinates of each triangle's corners; v upwards, u beyond 1 across the seam of a texture that wraps.
    texture: colours in [0, 1], row 0 at the top.
    seam: how the texture is to be looked up (`rendering.dibr_texture`).
    """

    vertices: Float32[Tensor, "v 3"]
    faces: Int64[Tensor, "f 3"]
    uvs: Float32[Tensor, "f 3 2"]
    texture: Float32[Tensor, "3 th tw"]
    seam: Seam = "wrap"

    def export(self, path: Path) -> None:
        """Write the mesh as `path`: .glb in one file, .obj with its material and texture beside it.

        The image has 8 bits per channel. Raises BenchError for another suffix, and ResourceMissing where trimesh
        (extra [mesh]) does not import.
        """
        formats = {".glb": _glb, ".obj": _obj}
        if path.suffix.lower() not in formats:
            raise BenchError(f"{path.name}: a mesh is written as {' or '.join(formats)}: name the file so")
        name = re.sub(r"[^\w-]+", "_", path.stem)  # of material and texture: OBJ's references end at a blank
        for part, content in formats[path.suffix.lower()](self._for_viewers(name), name, path.name).items():
            write_with(path.with_name(part), _writing(content))

    def _for_viewers(self, name: str) -> Any:
        """As trimesh has it: a vertex per pair of place and texture coordinates, texels' centres inside the image."""
        trimesh = _package("trimesh")
        visual = _package("trimesh.visual")
        height, width = self.texture.shape[1:]
        uvs = self.uvs.double()
        if self.seam == "wrap":  # here texels lie on the image's edges: half a texel further in for everybody else
            uvs = torch.stack([uvs[..., 0] + 0.5 / width, (uvs[..., 1] * (height - 1) + 0.5) / height], dim=-1)
        corners = torch.cat([self.faces[..., None].double(), uvs], dim=-1).view(-1, 3).numpy()
        distinct, index = np.unique(corners, axis=0, return_inverse=True)
        image = Image.fromarray((self.texture.clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy())
        return trimesh.Trimesh(
            self.vertices.numpy()[distinct[:, 0].astype(np.int64)],
            index.reshape(-1, 3),
            visual=visual.TextureVisuals(
                distinct[:, 1:], material=visual.material.SimpleMaterial(image=image, diffuse=[255] * 4, name=name)
            ),
            process=False,
        )


def _glb(mesh: Any, name: str, file: str) -> dict[str, bytes]:
    content: bytes = mesh.export(file_type="glb")
    return {file: content}


def _obj(mesh: Any, name: str, file: str) -> dict[str, bytes]:
    """The files by name, that which refers to the others last."""
    write = _package("trimesh.exchange.obj").export_obj
    text, beside = write(mesh, return_texture=True, write_texture=False, mtl_name=f"{name}.mtl", header=None)
    return {**beside, file: text.encode()}


def _writing(content: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(content)


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise ResourceMissing(
            f"a mesh is written by trimesh, which does not import ({error}): install the extra [mesh]"
        ) from error
