"""Which files of the course a module needs, read from its imports without running any."""

import ast
from collections.abc import Iterable
from pathlib import Path

from autograder.exercises import CLONE

PACKAGES = ("autograder", "pneumonia")


def files_imported(names: Iterable[str], *, later: bool = True, packages: tuple[str, ...] = PACKAGES) -> list[Path]:
    """The files of modules (`autograder.judging.judge`) and of all that they import of the same packages, sorted.

    `later`: also what is imported only when one of their functions runs.
    """
    found: dict[Path, None] = {}
    waiting = list(names)
    while waiting:
        path = _file_of(waiting.pop(), packages)
        if path is not None and path not in found:
            found[path] = None
            waiting += [*imported_names(path.read_bytes(), later=later), *_parents(path)]
    return sorted(found)


def imported_names(source: str | bytes, *, later: bool = True) -> list[str]:
    """What a program names in its imports: modules, and names of their content, which may be modules, too."""
    tree, names = ast.parse(source), []
    for node in ast.walk(tree) if later else tree.body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


def _file_of(name: str, packages: tuple[str, ...]) -> Path | None:
    """The file of a module, None for what is none of the packages' modules."""
    first, *rest = name.split(".")
    if first not in packages:
        return None
    path = CLONE.joinpath(first, *rest)
    candidates = (path / "__init__.py", path.with_name(f"{path.name}.py"))
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _parents(path: Path) -> list[str]:
    """The packages that a file lies in, which are imported with it."""
    parts = path.relative_to(CLONE).with_suffix("").parts
    return [".".join(parts[:length]) for length in range(1, len(parts))]
