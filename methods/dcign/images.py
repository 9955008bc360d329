"""Images as DC-IGN's networks see them: grey, or in colour."""

import torch
from jaxtyping import Float
from torch import Tensor

# How the released code makes an image grey: by the luminance of red, green and blue, rounded.
GREY = (0.21, 0.72, 0.07)


def prepared(images: Float[Tensor, "b 3 h w"], channels: int) -> Float[Tensor, "b c h w"]:
    """Images in [0, 1] with `channels`: 1, grey, or 3, as they are."""
    if channels == 3:
        return images
    weights = torch.tensor(GREY, dtype=images.dtype, device=images.device)
    return (images * weights[:, None, None]).sum(dim=1, keepdim=True)


def shown(images: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 3 h w"]:
    """RGB of what the networks give: grey ones three times."""
    return images.expand(-1, 3, -1, -1)
