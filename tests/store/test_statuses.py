from datetime import timedelta

import pytest

from reconciler.model.messages import StatusMessage
from tests.store.builders import NOW


@pytest.fixture
def web(store):
    with store.write() as work:
        return work.computers.enrol("web-01", "hw-1", NOW).id


def messages(count):
    return [
        StatusMessage(
            at=NOW + timedelta(hours=n),
            id=10005,
            advertisement="PWR00002",
            rollout="web",
            release=1,
            run=n,
            exit_code=None,
            reason="",
            detail="é",
        )
        for n in range(count)
    ]


def test_newest_messages_come_first(store, web):
    sent = messages(5)
    with store.write() as work:
        work.statuses.add(web, sent)
        work.statuses.add(web, [])

        assert work.statuses.of_computer(web, 2) == [sent[4], sent[3]]


@pytest.mark.parametrize(
    ("before", "keep", "left"),
    [
        pytest.param(NOW, 10, 5, id="nothing"),
        pytest.param(NOW + timedelta(hours=2), 10, 3, id="by-age"),
        pytest.param(NOW, 2, 2, id="by-count"),
        pytest.param(NOW + timedelta(hours=9), 2, 0, id="all-too-old"),
    ],
)
def test_prune_forgets_by_age_and_by_count(store, web, before, keep, left):
    with store.write() as work:
        work.statuses.add(web, messages(5))

        assert work.statuses.prune(before, keep) == 5 - left
        assert len(work.statuses.of_computer(web, 10)) == left
