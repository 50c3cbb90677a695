"""Any order of lost, repeated and reordered batches leaves each one in the inbox at most once."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.canonical import canonical_json
from reconciler.model.codec import encode
from tests.store.builders import NOW, a_batch

marks = st.tuples(st.integers(0, 2), st.integers(0, 4), st.booleans())


@given(st.lists(marks, max_size=25))
def test_kept_batches_only_ever_move_forward(shared_store, sent):
    kept: list[tuple[int, int]] = []
    with shared_store.write() as work:
        web = work.computers.enrol(f"web-{work.computers.changed_since(0)[1]}", "hw", NOW).id
        for epoch, serial, full in sent:
            batch = a_batch(web, epoch=epoch, serial=serial, full=full)
            reply = work.inbox.accept(batch, canonical_json(encode(batch)), NOW)
            if reply.accepted:
                kept.append((epoch, serial))
            assert not (reply.accepted and reply.resync)
            assert (reply.epoch, reply.serial) == (kept[-1] if kept else (0, 0))
        found = [(item.batch.epoch, item.batch.serial) for item in work.inbox.take(100)]
        work.inbox.done([item.id for item in work.inbox.take(100)])

    assert kept == found
    assert kept == sorted(set(kept))
