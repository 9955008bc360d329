"""Taking a run's tables, figures and spread over trainings into `results/`.

What is committed there is a run's own output, never typed: the files carry the profile's name, and README shows between
its markers what they hold (`bench.results.readme`).
"""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from bench.grid.catalogue import DATASETS
from bench.pipeline.fit import SHEET_ROWS
from bench.pipeline.records import Record
from bench.pipeline.store import Store
from bench.results import table as tables
from bench.results.spread import FILE, committed
from datasets.base import Content, Silent
from datasets.errors import BenchError
from datasets.files import write_text, write_with
from tasks.contact_sheet import LINE

# Rows of a contact sheet that are shown, to keep the files small.
ROWS = 3
# Images of each drawn dataset side by side, and the datasets.
ACROSS = 16
DRAWN = ("bbt", "buffy", "rafdb", "celeba", "yaleb", "view_sweep", "shapenet_cars")


def publish(records: Sequence[Record], store: Store, folder: Path) -> list[Path]:
    """Write `table.csv`, `table.md`, `spread.json` (how much trainings vary, for tables with rows of one), the contact
    sheet of each trained method, and `stand_ins.png` into `folder`, which has the profile's name.

    Returns the files. Raises BenchError where a record is not of drawn data only: pictures of real people are not ours
    to publish.
    """
    real = [record.name for record in records if record.dataset is not None and not record.dataset.synthetic]
    if real:
        raise BenchError(f"{real[0]} is of real photographs: only runs on the synthetic stand-ins are published")
    table = tables.build(records, store)
    written = [folder / "table.csv", folder / "table.md", folder / FILE]
    write_text(written[0], tables.to_csv(table))
    write_text(written[1], tables.to_markdown(table))
    committed(folder.name, folder.parent).with_measured(records).write(written[2])
    for record in records:
        if "fit" not in record.stages:
            continue
        for path in sorted(store.checkpoint(record.stages["fit"].key).glob("*.png")):
            target = folder / f"{re.sub('-seed.*', '', path.stem)}{_suffix(record)}.png"
            if target not in written:
                _save(_first_rows(Image.open(path)), target)
                written.append(target)
    written.append(folder / "stand_ins.png")
    _save(_stand_ins(), written[-1])
    return written


def _suffix(record: Record) -> str:
    """Contact sheets of car models lie beside those of face models."""
    trained = record.training_dataset
    return "_cars" if trained is not None and "cars" in trained.name else ""


def _first_rows(contact_sheet: Image.Image) -> Image.Image:
    """The title and the first rows."""
    row = (contact_sheet.height - 2 * LINE) // SHEET_ROWS
    return contact_sheet.crop((0, 0, contact_sheet.width, 2 * LINE + ROWS * row))


def _stand_ins() -> Image.Image:
    """A strip of images of each drawn dataset."""
    strips = []
    for name in DRAWN:
        content: Content = DATASETS.get(name).load_stand_in()("smoke").read(64, Silent())
        chosen = np.linspace(0, len(content.images) - 1, ACROSS).astype(int)
        strips.append(np.concatenate(list(content.images[chosen]), axis=1))
    return Image.fromarray(np.concatenate(strips))


def _save(image: Image.Image, target: Path) -> None:
    write_with(target, lambda path: image.save(path, format="PNG", optimize=True))
