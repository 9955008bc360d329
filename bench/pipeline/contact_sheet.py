"""Contact sheets: what a method makes of a few images, one row per image, one named column per picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from jaxtyping import Float
from torch import Tensor

from bench.pipeline.records import PictureFile
from datasets.files import write_with
from tasks.contact_sheet import as_bytes, contact_sheet, panel


def write_contact_sheet(
    pictures: Mapping[str, Float[Tensor, "b 3 h w"]], target: Path, *, title: str, rows: Sequence[str] = ()
) -> PictureFile:
    """Write pictures in [0, 1] as a PNG, `title` above and the names over their columns; a page names `rows` too.

    Returns what the picture shows, and where. Raises BenchError where the file cannot be written.
    """
    columns = {name: as_bytes(picture.permute(0, 2, 3, 1).cpu().numpy()) for name, picture in pictures.items()}
    page = contact_sheet(columns, title)
    write_with(target, lambda path: page.save(path, format="PNG"))
    return PictureFile(file=target.name, caption=title, panels=(panel(columns, title, names=rows),))
