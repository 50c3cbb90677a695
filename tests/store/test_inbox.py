import json

import pytest

from reconciler.model.canonical import canonical_json
from reconciler.model.codec import encode
from reconciler.model.errors import ProtocolError, StoreError
from reconciler.model.messages import BatchReply
from tests.store.builders import LATER, NOW, a_batch


@pytest.fixture
def web(store):
    with store.write() as work:
        return work.computers.enrol("web-01", "hw-1", NOW).id


def accept(store, batch, at=NOW):
    with store.write() as work:
        return work.inbox.accept(batch, canonical_json(encode(batch)), at)


def waiting(store):
    with store.read() as view:
        return view.inbox.waiting()


@pytest.mark.parametrize(
    ("mark", "full", "answer"),
    [
        pytest.param((5, 8), False, "accepted", id="next"),
        pytest.param((5, 8), True, "accepted", id="next-and-full"),
        pytest.param((5, 7), False, "repeat", id="repeat"),
        pytest.param((5, 7), True, "repeat", id="full-repeat"),
        pytest.param((5, 3), False, "repeat", id="late"),
        pytest.param((5, 9), False, "resync", id="gap"),
        pytest.param((5, 9), True, "accepted", id="gap-healed"),
        pytest.param((6, 0), True, "accepted", id="new-epoch"),
        pytest.param((6, 8), False, "resync", id="new-epoch-in-part"),
        pytest.param((4, 8), False, "resync", id="old-epoch"),
        pytest.param((4, 99), True, "resync", id="old-epoch-full"),
    ],
)
def test_accept_takes_the_next_or_a_newer_full_one(store, web, mark, full, answer):
    accept(store, a_batch(web, epoch=5, serial=7))
    reply = accept(store, a_batch(web, epoch=mark[0], serial=mark[1], full=full))

    epoch, serial = mark if answer == "accepted" else (5, 7)
    assert (reply.epoch, reply.serial) == (epoch, serial)
    assert (reply.accepted, reply.resync) == (answer == "accepted", answer == "resync")
    assert waiting(store) == (2 if reply.accepted else 1)


def test_first_batch_must_be_full(store, web):
    reply = accept(store, a_batch(web, epoch=1, serial=1, full=False))

    assert reply == BatchReply(0, 0, accepted=False, resync=True)
    assert waiting(store) == 0


@pytest.mark.parametrize("change", [{"epoch": -1}, {"serial": -1}, {"serial": 2**63}])
def test_number_that_no_agent_may_send_is_refused(store, web, change):
    with pytest.raises(ProtocolError, match=next(iter(change))):
        accept(store, a_batch(web, **change))

    assert waiting(store) == 0


def test_take_keeps_the_order_of_arrival(store, web):
    batches = [a_batch(web, serial=n) for n in range(1, 5)]
    for batch in batches:
        accept(store, batch, LATER)

    with store.write() as work:
        items = work.inbox.take(3)
        work.inbox.done([item.id for item in items])
    assert [(item.batch, item.received_at) for item in items] == [(b, LATER) for b in batches[:3]]
    with store.read() as view:
        assert [item.batch for item in view.inbox.take(10)] == batches[3:]


def test_used_numbers_are_never_given_again(store, web):
    accept(store, a_batch(web, serial=1))
    with store.write() as work:
        first = work.inbox.take(1)[0].id
        work.inbox.done([first])
    accept(store, a_batch(web, serial=2))

    with store.read() as view:
        assert view.inbox.take(1)[0].id > first


def test_set_aside_is_counted_and_kept(store, web):
    accept(store, a_batch(web))
    with store.write() as work:
        work.inbox.set_aside(work.inbox.take(1)[0].id, "names no advertisement")

        assert (work.inbox.waiting(), work.inbox.aside()) == (0, 1)


def test_batch_that_cannot_be_read_is_set_aside(store, web):
    with store.write() as work:
        work.inbox.accept(a_batch(web), json.dumps({"newer": 1}).encode(), NOW)
        work.inbox.accept(
            a_batch(web, serial=2), canonical_json(encode(a_batch(web, serial=2))), NOW
        )

        assert [item.batch.serial for item in work.inbox.take(5)] == [2]
        assert (work.inbox.waiting(), work.inbox.aside()) == (1, 1)


def test_unknown_item_cannot_be_set_aside(store):
    with pytest.raises(StoreError, match="no batch 9"), store.write() as work:
        work.inbox.set_aside(9, "why")


def test_batch_of_an_unknown_computer_is_refused(store):
    with pytest.raises(StoreError, match="refused"):
        accept(store, a_batch("nobody"))


def test_arrival_is_a_change(store, web):
    before = store.change()
    accept(store, a_batch(web))
    accept(store, a_batch(web))

    assert store.change() == before + 1
