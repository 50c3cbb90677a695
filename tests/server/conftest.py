from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from reconciler.store import Store
from tests.server.world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A management point with one enrolled computer, in this process."""
    store = Store(tmp_path / "site.db")
    store.migrate()
    yield World(store, tmp_path)
    store.close()


@pytest.fixture
def client(world: World) -> Iterator[TestClient]:
    """A client whose requests carry the credential of the world's computer."""
    with TestClient(world.app, headers=world.headers, raise_server_exceptions=False) as client:
        yield client
