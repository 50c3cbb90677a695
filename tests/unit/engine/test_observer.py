"""What the engine sees of the store between one pass and the next."""

from datetime import datetime

import pytest

from reconciler.engine.observer import Observer
from reconciler.model.times import UTC
from reconciler.store import Store

NOW = datetime(2025, 9, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "site.db")
    made.migrate()
    yield made
    made.close()


def test_source_that_fails_and_mends_is_seen_though_no_update_changed(store):
    observer = Observer(store)
    seen = []
    for problem in ("unreachable", ""):
        observer.observe(fresh=True)
        with store.write() as work:
            if problem:
                work.catalog.source_failed("debian", problem, NOW)
            else:
                work.catalog.merge("debian", (), NOW)
        seen.append(observer.observe(fresh=True).catalog.sources["debian"].problem)

    assert seen == ["unreachable", ""]
