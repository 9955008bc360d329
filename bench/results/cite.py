"""Which publications stand behind a method, a dataset or a metric, and their BibTeX. Imports no torch."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bench.grid.catalogue import METHODS
from bench.results.published import PAPER_FOLDER
from datasets.errors import BenchError

REFERENCES = PAPER_FOLDER / "references.bib"

# By family where a method has one, so that variants need no line of their own. What is the project's own (a baseline,
# a drawn dataset) or the user's cites nothing.
PDR = ("klinghoffer2022pdr", "wu2020unsup3d", "kato2018nmr")
OF_METHODS: dict[str, tuple[str, ...]] = {
    "pdr": PDR,
    "pdr_loocc_l": (*PDR, "chen2020simclr"),
    "pdr_loocc_lv": (*PDR, "chen2020simclr"),
    "pdr_unet": (*PDR, "ronneberger2015unet"),
    "random_init": ("wu2020unsup3d",),
    "vqvae": ("oord2017vqvae",),
    "stylegan2_e4e": ("karras2020stylegan2", "tov2021e4e"),
    "ris": ("chong2021ris", "karras2020stylegan2", "tov2021e4e"),
    "supervised_resnet18": ("he2016resnet", "wightman2019timm"),
    "timm": ("wightman2019timm",),
    "chance": (),
    "raw_pixels": (),
}
OF_DATASETS: dict[str, tuple[str, ...]] = {
    "utkface": ("zhang2017utkface",),
    "bbt": ("tapaswi2012knock", "bauml2013semi"),
    "buffy": ("bauml2013semi",),
    "rafdb": ("li2017rafdb",),
    "celeba": ("liu2015celeba",),
    "celebamask": ("lee2020celebamask", "liu2015celeba"),
    "yaleb": ("georghiades2001yaleb", "lee2005yaleb"),
    "view_sweep": (),
    "faces_truth": (),
    "shapenet_cars": ("chang2015shapenet", "wu2020unsup3d"),
    "shapenet_cars_train": ("chang2015shapenet", "wu2020unsup3d"),
    "tracks": (),
    "images": (),
}
OF_METRICS: dict[str, tuple[str, ...]] = {
    "accuracy": ("ward1963hierarchical",),
    "f1": ("ward1963hierarchical",),
    "nmi": ("ward1963hierarchical",),
    "hungarian": ("ward1963hierarchical",),
    "finch_nmi": ("sarfraz2019finch",),
    "finch_purity": ("sarfraz2019finch",),
    "mean_pcc": ("klinghoffer2022pdr",),
    "dci_disentanglement": ("eastwood2018dci",),
    "dci_completeness": ("eastwood2018dci",),
    "dci_informativeness": ("eastwood2018dci",),
    "head_accuracy": ("sundararajan2017ig", "selvaraju2017gradcam"),
    "mig": ("chen2018mig",),
    "sap": ("kumar2018sap",),
    "side_percent": ("wu2020unsup3d",),
    "normal_deg": ("wu2020unsup3d",),
}


def keys_of(methods: Iterable[str], datasets: Iterable[str], metrics: Iterable[str] = ()) -> list[str]:
    """Keys of the publications, methods' first, each once."""
    found: dict[str, None] = {}
    for name in methods:
        found.update(dict.fromkeys(_of_method(name)))
    for name in datasets:
        found.update(dict.fromkeys(OF_DATASETS.get(name.partition(":")[0], ())))
    for name in metrics:
        found.update(dict.fromkeys(OF_METRICS.get(name, ())))
    return list(found)


def bibtex(methods: Iterable[str], datasets: Iterable[str], metrics: Iterable[str] = ()) -> str:
    """BibTeX of everything behind `methods` (registry names, variants too), `datasets` and `metrics`."""
    known = entries()
    return "\n\n".join(known[key] for key in keys_of(methods, datasets, metrics))


def _of_method(name: str) -> tuple[str, ...]:
    """By the method's own name, else by its family's."""
    plain = name.partition("[")[0].partition(":")[0]
    if plain in OF_METHODS:
        return OF_METHODS[plain]
    entry = METHODS.entries().get(plain)
    return OF_METHODS.get(entry.family, ()) if entry is not None else ()


@cache
def entries(path: Path = REFERENCES) -> dict[str, str]:
    """Key -> entry of a BibTeX file, in its order; entries begin with `@` at the start of a line."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise BenchError(f"no references {path} ({error.strerror}): run from a checkout") from error
    found = {}
    for entry in re.split(r"^(?=@)", text, flags=re.MULTILINE):
        if match := re.match(r"@\w+\{([^,]+),", entry):
            found[match[1]] = entry.strip()
    return found
