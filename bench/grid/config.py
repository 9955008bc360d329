"""A run's options as a file, `bench run --config FILE`: TOML or YAML, by the names that they have when they are typed.

Settings and sweeps are lists of what one would type, or tables:

    methods = "vqvae,pdr"
    seeds = "0-2"
    [set.pdr]
    nf = 32
    [sweep.vqvae]
    width = [16, 32]
"""

import json
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bench.grid.request import Request
from datasets.errors import BenchError, first_line, suggestion
from datasets.files import write_text
from datasets.names import at_home

HEADER = "# The options of one run: `bench run --config` with this file repeats it, from the same folder.\n"


class RunFile(BaseModel):
    """The options that a file may give, by their names; what it leaves out means what it does on the command line."""

    model_config = ConfigDict(extra="forbid", alias_generator=lambda name: name.rstrip("_").replace("_", "-"))

    methods: str | None = None
    tasks: str | None = None
    profile: str | None = None
    data_root: Path | None = None
    data: str | None = None
    seeds: str | None = None
    set_: list[str] | None = None
    sweep: list[str] | None = None
    limit: int | None = Field(None, ge=1)
    protocol: str | None = None
    device: str | None = None
    jobs: int | None = Field(None, ge=0)
    threads: int | None = Field(None, ge=1)
    memory: float | None = Field(None, gt=0)
    baselines: bool | None = None
    force: bool | None = None
    dry_run: bool | None = None
    profile_time: bool | None = None
    suite: str | None = None
    mlflow: bool | None = None
    store: Path | None = None

    @field_validator("methods", "tasks", "seeds", mode="before")
    @classmethod
    def _joined(cls, value: Any) -> Any:
        """A list, or a single number, as it is typed."""
        return ",".join(map(str, value)) if isinstance(value, list) else str(value) if type(value) is int else value

    @field_validator("set_", "sweep", mode="before")
    @classmethod
    def _typed(cls, value: Any) -> Any:
        """A table as what one would type."""
        return list(_assignments(value)) if isinstance(value, Mapping) else value

    @field_validator("data_root", "store", mode="after")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        return None if value is None else at_home(value)


def read_config(path: Path) -> dict[str, Any]:
    """The options that a file gives, by the names of `bench run`'s parameters.

    Raises BenchError where it cannot be read, is neither TOML nor YAML, or holds what is no option.
    """
    read = {".toml": tomllib.loads, ".yaml": yaml.safe_load, ".yml": yaml.safe_load}.get(path.suffix.lower())
    if read is None:
        raise BenchError(f"--config {path}: expected a file that ends with .toml, .yaml or .yml")
    try:
        values = read(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BenchError(f"--config {path}: {error.strerror}; expected a file of a run's options") from error
    except (ValueError, yaml.YAMLError, RecursionError) as error:
        where = " ".join(str(error).split()) or first_line(error)
        raise BenchError(f"--config {path}: not {path.suffix[1:].upper()} ({where}); mend the file") from error
    if not isinstance(values, dict):
        raise BenchError(f"--config {path}: expected options by name, such as methods: pdr")
    try:
        return RunFile.model_validate({_dashed(name): value for name, value in values.items()}).model_dump(
            exclude_none=True
        )
    except ValidationError as error:
        raise BenchError(f"--config {path}: {_fault(error)}") from None


def write_config(path: Path, request: Request, *, device: str, suite: str, mlflow: bool) -> None:
    """Write what repeats a run, whatever the defaults are by then: the profile, the data and the device that were
    chosen stand there too. What was typed is not changed, so folders are where they were typed."""
    options = request.options
    values = RunFile.model_construct(
        methods=options.methods,
        tasks=options.tasks,
        profile=request.profile.name,
        data_root=request.data_root,
        data="synthetic" if request.data_root is None else None,
        seeds=options.seeds,
        set_=list(options.settings),
        sweep=list(options.sweep),
        limit=options.limit,
        protocol=options.protocol,
        device=device,
        jobs=options.jobs,
        threads=options.threads,
        memory=options.memory,
        baselines=options.baselines,
        suite=suite,
        mlflow=mlflow,
    ).model_dump(mode="json", by_alias=True)
    given = {name: value for name, value in values.items() if value not in (None, [])}
    write_text(path, HEADER + yaml.safe_dump(given, sort_keys=False, allow_unicode=True))


def _assignments(table: Mapping[Any, Any], prefix: str = "") -> Iterator[str]:
    """`{"pdr": {"nf": 32}}` -> `pdr.nf=32`, values as JSON."""
    for name, value in table.items():
        if isinstance(value, Mapping):
            yield from _assignments(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}={json.dumps(value, default=str)}"


def _dashed(name: object) -> str:
    return str(name).replace("_", "-")


def _fault(error: ValidationError) -> str:
    """The first thing wrong with a file, and what was expected."""
    first = error.errors()[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        return f"{place} = {first['input']!r}: {first['msg']}"
    known = [str(info.alias) for info in RunFile.model_fields.values()]
    return f"no option {place!r}: {suggestion(place, known, 'expected some of ' + ', '.join(known))}"
