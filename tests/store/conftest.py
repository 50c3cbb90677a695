from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from reconciler.store import Store


@pytest.fixture
def opened() -> Iterator[Callable[..., Store]]:
    """Open further stores, which are closed at the end of the test."""
    with ExitStack() as stack:

        def open_store(path: Path | str, **options: Any) -> Store:
            store = Store(path, **options)
            stack.callback(store.close)
            return store

        yield open_store


@pytest.fixture(params=["sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty, migrated store on each database that the product supports."""
    assert request.param == "sqlite"
    store = Store(tmp_path / "site.db")
    store.migrate()
    yield store
    store.close()


@pytest.fixture(scope="module")
def shared_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """One store for all examples of a property."""
    store = Store(tmp_path_factory.mktemp("delivery") / "site.db")
    store.migrate()
    yield store
    store.close()
