"""Every built-in method and dataset leads to publications that are there."""

import re

import pytest

from bench.grid.catalogue import DATASETS, METHODS
from bench.results.cite import OF_DATASETS, OF_METHODS, OF_METRICS, bibtex, entries, keys_of


def test_every_key_is_an_entry_and_every_entry_is_used() -> None:
    named = {key for table in (OF_METHODS, OF_DATASETS, OF_METRICS) for keys in table.values() for key in keys}
    assert named == set(entries())


def test_every_built_in_name_is_mapped() -> None:
    for name, entry in METHODS.entries().items():
        assert name in OF_METHODS or entry.family in OF_METHODS, name
    assert set(DATASETS.entries()) == set(OF_DATASETS)


@pytest.mark.parametrize("key", entries())
def test_entries_have_what_an_entry_needs(key: str) -> None:
    entry = entries()[key]
    for field in ("title", "author", "year"):
        assert re.search(rf"^  {field} = \{{.+\}},?$", entry, flags=re.MULTILINE), field
    assert entry.count("{") == entry.count("}")


def test_exactly_what_is_behind_and_once() -> None:
    keys = keys_of(["pdr", "pdr_loocc_l", "pdr[features=light]", "ris", "timm:resnet18"], ["bbt", "tracks:mine"])
    assert keys == [
        *("klinghoffer2022pdr", "wu2020unsup3d", "kato2018nmr", "chen2020simclr"),
        *("chong2021ris", "karras2020stylegan2", "tov2021e4e", "wightman2019timm"),
        *("tapaswi2012knock", "bauml2013semi"),
    ]
    assert bibtex(["vqvae", "vqvae"], []).count("@") == 1
    assert bibtex(["mine.py:Mine"], ["images:photos"]) == "", "the user's own cite nothing"
