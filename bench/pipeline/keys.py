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
from functools import cache
from pathlib import Path
from typing import Any

# Source outside these packages is versioned by its distribution, not by its text.
PROJECT_PACKAGES = ("methods", "tasks", "datasets", "bench")

# Modules whose code changes no value: how files are written, what a person is told or shown.
NEUTRAL = frozenset(
    {
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
    own = module_name.partition(".")[0]
    roots = {*PROJECT_PACKAGES, own}
    pending, seen = [module_name], dict[str, str]()
    while pending:
        name = pending.pop()
        if name in seen or name in NEUTRAL:
            continue
        path = _module_path(name)
        if path is None:
            continue
        tree = ast.parse(path.read_bytes())
        seen[name] = hashlib.sha256(_meaning(tree).encode()).hexdigest()
        pending += [found for found in _imports(tree, name, path) if found.partition(".")[0] in roots]
    text = canonical(sorted(seen.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


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


def _imports(tree: ast.AST, name: str, path: Path) -> list[str]:
    """Absolute names of the modules that a module may import, those imported inside functions too."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
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


def _meaning(tree: ast.AST) -> str:
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
