"""The manifest of one `bench run`: what was asked for, and which records answer it.

It is small, written by the process that runs the command, and all that the tracking mirror and later commands need to
know of a run besides its records. Every file is named relative to the store, so that a store can be moved or copied.
"""

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.grid import portable as short
from bench.pipeline.records import Record, first_fault
from datasets.errors import BenchError
from datasets.names import printable
from datasets.sealed import Damaged, leaving_out_damaged, sealed_text, write_sealed

SCHEMA_VERSION: Literal[1] = 1


class Invocation(BaseModel):
    """One run of the command line; immutable, rewritten as a whole as cells finish."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = SCHEMA_VERSION
    id: str = Field(pattern=r"^[A-Za-z0-9_-]+$", description="sorts by time of start; also the file's name")
    started: datetime
    ended: datetime | None = Field(None, description="none while it runs, or if it was killed")
    argv: list[str] = Field(description="the command's arguments, absolute paths shortened by `portable`")
    profile: str
    protocol: str
    suite: str = Field(description="MLflow's experiment")
    cells: list[str] = Field(default_factory=list, description="record files, relative to the store")
    counts: dict[str, int] = Field(default_factory=dict, description="status -> cells that ended with it")
    tables: list[str] = Field(default_factory=list, description="table files, relative to the store")
    figures: list[str] = Field(default_factory=list, description="figure files, relative to the store")
    exit_code: int | None = Field(None, description="what the command returned; none while it runs")
    files: dict[str, str] = Field(default_factory=dict, description="its options, a file beside it -> SHA-256")

    def write(self, store_root: Path) -> Path:
        """Write it to `<store>/invocations/<id>.json`, whole or not at all, and return that path."""
        path = path_of(store_root, self.id)
        write_sealed(path, self.model_dump(mode="json"))
        return path

    @classmethod
    def read(cls, path: Path) -> "Invocation":
        """Read a manifest. An absent one is a `BenchError`, a damaged or differently built one Damaged.

        Those of versions that sealed nothing are read as they are.
        """
        try:
            body = sealed_text(path)
            return cls.model_validate_json(path.read_bytes() if body is None else body)
        except FileNotFoundError as error:
            raise BenchError(f"{path}: no such invocation; see the file names in {path.parent}") from error
        except ValidationError as error:
            raise Damaged.of(
                path, first_fault(error), what=f"is not an invocation of schema {SCHEMA_VERSION}"
            ) from error

    def records(self, store_root: Path) -> list[Record]:
        """Its cells' records, in the order of `cells`; one that was deleted since is a `BenchError`, a damaged one is
        said and left out."""
        found = []
        for name in self.cells:
            path = store_root / name
            if not path.is_file():
                raise BenchError(f"invocation {self.id}: its record {path} is gone; run the command again")
            with leaving_out_damaged():
                found.append(Record.read(path))
        return found


def path_of(store_root: Path, identity: str) -> Path:
    """Where an invocation's manifest lies."""
    return store_root / "invocations" / f"{identity}.json"


def config_of(store_root: Path, identity: str) -> Path:
    """Where an invocation's options lie as a file, beside its manifest."""
    return path_of(store_root, identity).with_suffix(".yaml")


def invocations(store_root: Path) -> Iterator[Invocation]:
    """Every invocation of a store, oldest first; a damaged manifest is said and left out."""
    for path in sorted((store_root / "invocations").glob("*.json")):
        with leaving_out_damaged():
            yield Invocation.read(path)


def new_id(started: datetime) -> str:
    """An identity that sorts by time and that two runs started in one second do not share."""
    return f"{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def relative(paths: Iterable[Path], store_root: Path) -> list[str]:
    """Names of files relative to the store, with forward slashes (`../tables/main.csv` for one beside it)."""
    return [Path(os.path.relpath(path, store_root)).as_posix() for path in paths]


def portable(argv: Sequence[str]) -> list[str]:
    """The arguments without machine-specific folders (`bench.grid.portable`)."""
    return [printable(short.portable(argument)) for argument in argv]
