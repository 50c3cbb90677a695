"""What the rooms may import, read from the source, so that imports inside functions count too."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
PURE_ROOMS = ("model", "kinds", "observed", "desired", "planning", "simulation")
# What import-linter cannot name, because it sees other packages by their first name only.
INPUT_AND_OUTPUT = frozenset({"urllib.request", "http.client", "http.server"})


def files_of(*rooms: str):
    paths = sorted(path for room in rooms for path in (PROJECT / "reconciler" / room).rglob("*.py"))
    return [pytest.param(path, id=str(path.relative_to(PROJECT))) for path in paths]


def imported_names(source: str, package: tuple[str, ...]) -> Iterator[str]:
    """Yield the dotted name of everything that the source of a module in `package` imports."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package[: len(package) + 1 - node.level] if node.level else ()
            base = ".".join((*parents, *([node.module] if node.module else [])))
            yield from (f"{base}.{alias.name}" for alias in node.names)


def imports_of(path: Path) -> set[str]:
    package = path.relative_to(PROJECT).parent.parts
    return set(imported_names(path.read_text(encoding="utf-8"), package))


def is_within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def strangers(path: Path, *friends: str) -> set[str]:
    """Name the imports that are neither in the standard library nor in one of the friends."""
    standard = sys.stdlib_module_names
    names = (name for name in imports_of(path) if name.partition(".")[0] not in standard)
    return {name for name in names if not is_within(name, *friends)}


@pytest.mark.parametrize(
    ("source", "name"),
    [
        pytest.param("import os.path", "os.path", id="plain"),
        pytest.param("from os import path", "os.path", id="from"),
        pytest.param("from . import ids", "reconciler.model.ids", id="relative"),
        pytest.param("from .. import app", "reconciler.app", id="parent"),
        pytest.param("from ..store import rows", "reconciler.store.rows", id="other-room"),
        pytest.param("def late():\n    import git", "git", id="inside-a-function"),
    ],
)
def test_imported_names_are_absolute(source, name):
    assert list(imported_names(source, ("reconciler", "model"))) == [name]


@pytest.mark.parametrize("path", files_of("model"))
def test_model_uses_the_standard_library_only(path):
    assert strangers(path, "reconciler.model") == set()


@pytest.mark.parametrize("path", files_of("agent"))
def test_agent_uses_the_standard_library_and_cryptography_only(path):
    assert strangers(path, "reconciler.agent", "reconciler.model", "cryptography") == set()


@pytest.mark.parametrize("path", files_of(*PURE_ROOMS))
def test_pure_room_does_no_input_or_output(path):
    assert {name for name in imports_of(path) if is_within(name, *INPUT_AND_OUTPUT)} == set()


def test_package_imports_nothing():
    """An agent imports the package on a machine that has none of the other libraries."""
    assert imports_of(PROJECT / "reconciler" / "__init__.py") == set()
