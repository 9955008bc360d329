"""Keys: hashes of everything that a cached value depends on, and of nothing else.

A key is the SHA-256 of canonical JSON, its ingredients, which are stored beside the value so that `bench why` can say
what changed. Paths, worker counts and progress settings are never ingredients.

Code is an ingredient by its *meaning*: the source of a method (or task) and of the project modules that it imports
is parsed, docstrings and comments dropped, and the syntax tree hashed, so that editing a comment recomputes nothing
and editing a formula recomputes what depends on it.
"""

import ast
import hashlib
import importlib.util
import json
import sys
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

# Source outside these packages is versioned by its distribution (`packages_of`), not by its text.
PROJECT_PACKAGES = ("methods", "tasks", "datasets", "bench")

# The packages that decide numbers, by what they are imported as.
DECISIVE = {
    "captum": "captum",
    "finch": "finch-clust",
    "kornia": "kornia",
    "lightly": "lightly",
    "numba": "numba",
    "numpy": "numpy",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "timm": "timm",
    "torch": "torch",
    "torchmetrics": "torchmetrics",
    "torchvision": "torchvision",
}

# Modules whose code changes no value: how files are written, what a person is told or shown, how time is counted.
NEUTRAL = frozenset(
    {
        "bench.timing",
        "bench.training.report",
        "datasets.errors",
        "datasets.files",
        "methods.pdr.import_weights",
        "methods.pdr.inspect",
        "methods.torchvision_compat",
    }
)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def key_of(ingredients: dict[str, Any]) -> str:
    """A 32-digit key of `ingredients`.

    >>> key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    True
    """
    return hashlib.sha256(canonical(ingredients).encode()).hexdigest()[:32]


@cache
def source_version(module_name: str) -> str:
    """Hash of the meaning of a module and of every project module that it imports, directly or not (16 digits).

    A package stands for all its modules. For a user's own module outside the project, that module (or its whole
    package) counts as project code too.
    """
    meanings = [(module.name, module.meaning) for module in _closure(module_name)]
    return hashlib.sha256(canonical(sorted(meanings)).encode()).hexdigest()[:16]


@cache
def packages_of(module_name: str) -> dict[str, str]:
    """Versions of the `DECISIVE` packages that a module and what it imports of the project import: another version of
    one may give other numbers."""
    named = {name.partition(".")[0] for module in _closure(module_name) for name in module.imports}
    return {DECISIVE[name]: found for name in sorted(named & set(DECISIVE)) if (found := _version(DECISIVE[name]))}


@dataclass(frozen=True)
class _Module:
    """A module's name, a hash of its meaning, and the names of the modules that it may import."""

    name: str
    meaning: str
    imports: tuple[str, ...]


@cache
def _closure(module_name: str) -> tuple[_Module, ...]:
    """A module and every project module that it imports, directly or not; neutral ones are left out."""
    roots = {*PROJECT_PACKAGES, module_name.partition(".")[0]}
    pending, seen = [module_name], dict[str, _Module]()
    while pending:
        name = pending.pop()
        if name in seen or name in NEUTRAL:
            continue
        module = _read(name)
        if module is not None:
            seen[name] = module
            pending += [found for found in module.imports if found.partition(".")[0] in roots]
    return tuple(seen.values())


@cache
def _read(name: str) -> _Module | None:
    """A module with Python source, parsed; None for what is none."""
    path = _module_path(name)
    if path is None:
        return None
    tree = ast.parse(path.read_bytes())
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    return _Module(name, hashlib.sha256(_meaning(tree).encode()).hexdigest(), tuple(_imports(tree, package)))


@cache
def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _module_path(name: str) -> Path | None:
    """The source file of a module, or None when `name` is not a module with Python source."""
    loaded = sys.modules.get(name)
    origin = getattr(loaded, "__file__", None)
    if origin is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return None
        origin = spec.origin if spec is not None else None
    if origin is None or not origin.endswith(".py"):
        return None
    return Path(origin)


def _imports(tree: ast.AST, package: str) -> list[str]:
    """Absolute names of the modules that a module of `package` may import, those imported inside functions too."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, *([base] if base else [])])
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return found


def _meaning(tree: ast.Module) -> str:
    """The syntax tree without docstrings and positions, as text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree, include_attributes=False)


def differences(old: Any, new: Any, where: str = "") -> list[tuple[str, Any, Any]]:
    """What differs between two ingredients: (dotted place, old value, new value), None for an absent one."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = []
        for name in sorted({*old, *new}):
            place = f"{where}.{name}" if where else name
            found += differences(old.get(name), new.get(name), place)
        return found
    return [] if old == new else [(where, old, new)]
