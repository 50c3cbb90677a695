from datetime import timedelta

import pytest

from reconciler.model.errors import LeaseLostError
from tests.store.builders import NOW

TTL = timedelta(seconds=30)


def acquire(store, owner, at=NOW):
    with store.write() as work:
        return work.lease.acquire(owner, TTL, at)


def check(store, fence):
    with store.write() as work:
        work.lease.check(fence)


def test_holder_renews_with_the_same_fence(store):
    assert acquire(store, "a") == acquire(store, "a", NOW + TTL / 2) == 1


def test_second_controller_is_refused_and_told_who_holds_it(store):
    acquire(store, "host-a:12")

    with pytest.raises(LeaseLostError, match="host-a:12 controls this site until"):
        acquire(store, "host-b:7", NOW + TTL / 2)


def test_expired_lease_goes_to_another_with_a_higher_fence(store):
    first = acquire(store, "a")
    second = acquire(store, "b", NOW + TTL)

    assert second > first
    check(store, second)
    with pytest.raises(LeaseLostError, match="b holds it now"):
        check(store, first)


def test_released_lease_is_free_at_once(store):
    first = acquire(store, "a")
    with store.write() as work:
        work.lease.release(first)

    with pytest.raises(LeaseLostError, match="nobody holds it"):
        check(store, first)
    assert acquire(store, "b") > first


def test_lost_lease_cannot_be_released(store):
    first = acquire(store, "a")
    second = acquire(store, "b", NOW + TTL)
    with store.write() as work:
        work.lease.release(first)

    check(store, second)


def test_nothing_is_kept_of_a_transaction_without_the_lease(store):
    def act():
        with store.write() as work:
            work.documents.save("status", 1)
            work.lease.check(7)

    with pytest.raises(LeaseLostError):
        act()

    with store.read() as view:
        assert view.documents.load("status") is None
