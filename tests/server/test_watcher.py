import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from reconciler.model.errors import StoreError
from reconciler.server.contacts import Contacts
from reconciler.store import Store
from tests.server.world import NOW


def test_contact_that_cannot_be_written_is_kept_for_the_next_time(world):
    impatient = Store(world.store.path, lock_wait=timedelta(milliseconds=20))
    contacts = Contacts(impatient)
    contacts.note(world.computer, NOW)
    with world.store.write(), pytest.raises(StoreError, match="locked"):
        contacts.flush()
    contacts.flush()
    impatient.close()

    with world.store.read() as view:
        assert view.computers.find(world.computer).last_contact_at == NOW


def test_watcher_outlives_a_store_that_fails(world, capsys):
    """The fault is logged once; when it is over, agents are woken again."""
    app = world.make_app(look_every=timedelta(milliseconds=20))
    with TestClient(app, headers=world.headers) as client, ThreadPoolExecutor(1) as pool:
        etag = client.get("/v1/policy").headers["etag"]
        known = {"if-none-match": etag}
        waiting = pool.submit(client.get, "/v1/policy?wait=20", headers=known)
        time.sleep(0.2)
        hidden = world.store.path.rename(world.store.path.with_suffix(".gone"))
        world.store.close()
        time.sleep(0.3)
        world.store.close()
        hidden.rename(world.store.path)
        time.sleep(0.2)
        began = time.monotonic()
        world.set_fact("enforce", "yes")

        assert waiting.result().status_code == 200
        assert time.monotonic() - began < 2

    logged = capsys.readouterr().out
    assert logged.count("store fails") == 1
    assert logged.count("store works again") == 1
