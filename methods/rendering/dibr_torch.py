"""DIB-R in plain torch, for a GPU and also runnable on a CPU: equal to `dibr_numba` up to rounding.

Triangles are paired with the pixels of their boxes and all pairs are handled at once, in the points' precision;
gradients are autograd's. Maxima and sorted sums do not depend on the order of execution, so results are deterministic.
At 64 px with 1,280 triangles and boxes grown by 0.1 a mesh has some 120,000 pairs, of about 100 bytes each.
"""

import torch
from jaxtyping import Bool, Float, Float32, Int32, Int64, Shaped
from torch import Tensor

from methods.rendering.dibr_numba_faces import MINIMUM_AREA

# Triangles count down from here in a key's lower half, so that the first of several tied ones has the largest key.
LAST_FACE = (1 << 31) - 1
# The key of a pixel where nothing is.
EMPTY = torch.iinfo(torch.int64).min
# Of d^2 / sigma: keeps the logarithm of the factor of a pixel on an outline finite.
LEAST = 1e-30


def rasterize(
    points: Float[Tensor, "b v 2"],
    depth: Float[Tensor, "b v"],
    faces: Int32[Tensor, "f 3"],
    drawn: Bool[Tensor, "b f"],
    height: int,
    width: int,
) -> Int32[Tensor, "b {height} {width}"]:
    """The visible triangle at each pixel, -1 where there is none."""
    corners, z = _corners(points.detach(), faces), _corners(depth.detach()[..., None], faces)[..., 0]
    area = _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    drawn = drawn.view(-1) & (area.abs() > MINIMUM_AREA) & area.isfinite() & z.isfinite().all(-1)
    owner, pixel, place = _pairs(corners, drawn, 0.0, height, width)
    weights = _weights(corners[owner], place)
    # Adding 0 turns -0 into 0; a float's bits, with those of negative ones reversed, are ordered as the float is.
    bits = ((weights * z[owner]).sum(-1).float() + 0.0).view(torch.int32)
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits).long()
    face = owner % max(len(faces), 1)
    key = torch.where((weights >= 0).all(-1), (ordered << 32) | (LAST_FACE - face), EMPTY)
    keys = torch.full((len(points) * height * width,), EMPTY, device=points.device)
    keys.scatter_reduce_(0, _pixel_of(owner, pixel, len(faces), height * width), key, "amax")
    found = torch.where(keys == EMPTY, -1, LAST_FACE - (keys & LAST_FACE))
    return found.int().view(len(points), height, width)


def interpolate(
    points: Float[Tensor, "b v 2"],
    faces: Int32[Tensor, "f 3"],
    face_map: Int32[Tensor, "b h w"],
    attributes: Float32[Tensor, "ba f 3 c"],
) -> Float32[Tensor, "b h w c"]:
    """Attributes of the triangles' corners at each pixel; differentiable w.r.t. points and attributes."""
    height, width = face_map.shape[1:]
    covered = (face_map.view(-1) >= 0).nonzero()[:, 0]
    mesh, pixel = covered // (height * width), covered % (height * width)
    face = face_map.view(-1)[covered].long()
    corners = _corners(points, faces)[mesh * len(faces) + face]
    weights = _weights(corners, _places(points, height, width)[pixel])
    values = attributes[mesh if len(attributes) > 1 else torch.zeros_like(mesh), face]
    seen = torch.einsum("nk,nkc->nc", weights, values.to(weights.dtype)).float()
    image = torch.zeros(face_map.numel(), attributes.shape[-1], device=points.device)
    return image.index_put((covered,), seen).view(*face_map.shape, -1)


def soft_mask(
    points: Float[Tensor, "b v 2"],
    faces: Int32[Tensor, "f 3"],
    face_map: Int32[Tensor, "b h w"],
    inverse_sigma: float,
    box: float,
    count: int | None,
) -> Float32[Tensor, "b h w"]:
    """Soft silhouettes; differentiable w.r.t. points."""
    height, width = face_map.shape[1:]
    corners = _corners(points, faces)
    covered = face_map.view(-1) >= 0
    finite = corners.detach().isfinite().all(-1).all(-1)
    owner, pixel, place = _pairs(corners.detach(), finite, box, height, width)
    pixel = _pixel_of(owner, pixel, len(faces), height * width)
    beside = (~covered[pixel]).nonzero()[:, 0]
    owner, pixel, place = owner[beside], pixel[beside], place[beside]
    if count is not None:
        first = _first(pixel, count)
        owner, pixel, place = owner[first], pixel[first], place[first]
    value = (_squared_distance(corners[owner], place) * inverse_sigma).clamp(min=LEAST)
    logarithm = torch.zeros(covered.shape, dtype=points.dtype, device=points.device)
    logarithm = logarithm.index_put((pixel,), (-torch.expm1(-value)).log(), accumulate=True)
    return torch.where(covered, 1, -torch.expm1(logarithm)).float().view(face_map.shape)


def _corners(values: Shaped[Tensor, "b v c"], faces: Int32[Tensor, "f 3"]) -> Shaped[Tensor, "b*f 3 c"]:
    """The corners' values of all meshes' triangles, one mesh after the other."""
    return values[:, faces.long()].flatten(0, 1)


def _places(points: Float[Tensor, "b v 2"], height: int, width: int) -> Float[Tensor, "{height}*{width} 2"]:
    """x and y that the pixels sample, in the points' precision."""
    across = torch.arange(width, dtype=points.dtype, device=points.device)
    down = torch.arange(height, dtype=points.dtype, device=points.device)
    x, y = (2 * across + 1 - width) / width, (height - 1 - 2 * down) / height
    return torch.stack([x.expand(height, width), y[:, None].expand(height, width)], dim=-1).view(-1, 2)


def _pairs(
    corners: Float[Tensor, "n 3 2"], wanted: Bool[Tensor, " n"], grown: float, height: int, width: int
) -> tuple[Int64[Tensor, " p"], Int64[Tensor, " p"], Float[Tensor, "p 2"]]:
    """All pairs of a wanted triangle and a pixel in its grown box: triangle, pixel of its image, the pixel's x, y.

    Upper ends of boxes do not count. In the triangles' order.
    """
    low, high = corners.amin(1) - grown, corners.amax(1) + grown
    left = ((low[:, 0] * width + width - 1) / 2).clamp(0, width).ceil()
    right = ((high[:, 0] * width + width - 1) / 2).clamp(0, width).ceil()
    top = ((height - 1 - high[:, 1] * height) / 2).clamp(-1, height - 1).floor() + 1
    bottom = ((height - 1 - low[:, 1] * height) / 2).clamp(-1, height - 1).floor() + 1
    # A NaN has no integer.
    bounds = torch.stack([left, right, top, bottom], dim=-1)
    left, right, top, bottom = torch.where(wanted[:, None], bounds, 0).long().unbind(-1)
    amount = (right - left) * (bottom - top)
    owner = torch.repeat_interleave(amount)
    offset = torch.arange(len(owner), device=corners.device) - (amount.cumsum(0) - amount)[owner]
    row = top[owner] + offset // (right - left)[owner]
    column = left[owner] + offset % (right - left)[owner]
    pixel = row * width + column
    return owner, pixel, _places(corners, height, width)[pixel]


def _pixel_of(owner: Int64[Tensor, " p"], pixel: Int64[Tensor, " p"], faces: int, pixels: int) -> Int64[Tensor, " p"]:
    """Pixels numbered through all images, of pairs with a triangle numbered through all meshes."""
    return owner // max(faces, 1) * pixels + pixel


def _first(pixel: Int64[Tensor, " p"], count: int) -> Int64[Tensor, " q"]:
    """Indices of the first `count` pairs of each pixel."""
    order = pixel.argsort(stable=True)
    ordered = pixel[order]
    rank = torch.arange(len(order), device=pixel.device) - torch.searchsorted(ordered, ordered)
    return order[rank < count]


def _weights(corners: Float[Tensor, "n 3 2"], place: Float[Tensor, "n 2"]) -> Float[Tensor, "n 3"]:
    """The corners' weights at a place: affine, below 0 outside."""
    a, b, c = (corners - place[:, None]).unbind(1)
    parts = torch.stack([_cross(b, c), _cross(c, a), _cross(a, b)], dim=-1)
    return parts / _cross(b - a, c - a)[:, None]


def _squared_distance(corners: Float[Tensor, "n 3 2"], place: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
    """From a place to the outline of a triangle."""
    start, side = corners - place[:, None], corners.roll(-1, 1) - corners
    length = (side * side).sum(-1)
    along = (-(start * side).sum(-1) / torch.where(length > 0, length, 1)).detach().clamp(0, 1)
    return (start + along[..., None] * side).square().sum(-1).amin(-1)


def _cross(a: Float[Tensor, "n 2"], b: Float[Tensor, "n 2"]) -> Float[Tensor, " n"]:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
