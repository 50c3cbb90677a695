"""Whatever is lost between an agent and its site, the site ends with what the agent knows."""

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from reconciler.agent.spool import (
    STATUS_LIMIT,
    Spool,
    acknowledge,
    drop_outgoing,
    seal,
    tell_facts,
    tell_scan,
    tell_statuses,
)
from reconciler.model.codec import decode, encode
from reconciler.model.messages import (
    BatchReply,
    FactsReport,
    ScanOutcome,
    ScanReport,
    StatusMessage,
)
from reconciler.model.updates import UpdateState

NOW = datetime(2025, 9, 2, tzinfo=UTC)
states = st.dictionaries(
    st.sampled_from(["u1", "u2", "u3"]),
    st.sampled_from([UpdateState.INSTALLED, UpdateState.MISSING]),
)


class Receiver:
    """The numbers of a site: takes the next batch or a newer full one (J6)."""

    def __init__(self):
        self.mark = None
        self.states = {}
        self.statuses = []
        self.facts = None

    def accept(self, batch):
        mark = (batch.epoch, batch.serial)
        if self.mark is None:
            is_next = batch.full
        else:
            is_next = mark == (self.mark[0], self.mark[1] + 1) or (batch.full and mark > self.mark)
        if not is_next:
            epoch, serial = self.mark or (0, 0)
            is_repeat = self.mark is not None and mark[0] == epoch and mark[1] <= serial
            return BatchReply(epoch, serial, accepted=False, resync=not is_repeat)
        self.mark = mark
        self.statuses += [status.run for status in batch.statuses]
        self.facts = batch.facts.facts if batch.facts else self.facts
        if batch.scan is not None and batch.scan.outcome is ScanOutcome.COMPLETED:
            held = {} if batch.full else dict(self.states)
            held.update(batch.scan.changes)
            gone = UpdateState.NOT_APPLICABLE
            self.states = {id_: state for id_, state in held.items() if state is not gone}
        return BatchReply(*mark, accepted=True, resync=False)


def scan_report(outcome, changes):
    return ScanReport(NOW, NOW, outcome, 1, changes)


def status(run):
    return StatusMessage(NOW, 10005, "BAR00001", "r", 1, run)


class AgentAndSite(RuleBasedStateMachine):
    """Anything may be told, and any message lost, in any order."""

    def __init__(self):
        super().__init__()
        self.spool, self.site = Spool(epoch=1), Receiver()
        self.known, self.facts, self.told = {}, {}, 0

    @rule(found=states)
    def scan(self, found):
        self.known = found
        self.spool = tell_scan(self.spool, scan_report(ScanOutcome.COMPLETED, found))

    @rule()
    def fail_to_scan(self):
        self.spool = tell_scan(self.spool, scan_report(ScanOutcome.FAILED, {}))

    @rule(number=st.integers(0, 3))
    def change_facts(self, number):
        self.facts = {"n": number}
        self.spool = tell_facts(self.spool, FactsReport(NOW, self.facts))

    @rule()
    def tell_status(self):
        self.told += 1
        self.spool = tell_statuses(self.spool, status(self.told))

    @rule()
    def deliver(self):
        self.spool = seal(self.spool, "c-1", NOW)
        if self.spool.outgoing is not None:
            self.spool = acknowledge(self.spool, self.site.accept(self.spool.outgoing))

    @rule()
    def lose_a_request(self):
        self.spool = seal(self.spool, "c-1", NOW)

    @rule()
    def lose_a_reply(self):
        self.spool = seal(self.spool, "c-1", NOW)
        if self.spool.outgoing is not None:
            self.site.accept(self.spool.outgoing)

    @rule()
    def forget_everything_at_the_site(self):
        statuses, self.site = self.site.statuses, Receiver()
        self.site.statuses = statuses

    @rule()
    def restart_the_agent(self):
        self.spool = decode(Spool, encode(self.spool))

    def teardown(self):
        # Only what is told shows an agent that its site has forgotten.
        self.tell_status()
        for _ in range(10):
            self.deliver()
        assert self.spool.waiting == 0
        assert self.site.states == self.known
        assert self.site.facts == (self.facts or None)
        assert set(self.site.statuses) == set(range(1, self.told + 1))


test_site_ends_with_what_the_agent_knows = AgentAndSite.TestCase


def test_a_batch_is_sent_unchanged_until_it_is_acknowledged():
    spool = seal(tell_statuses(Spool(epoch=1), status(1)), "c-1", NOW)
    again = seal(tell_statuses(spool, status(2)), "c-1", NOW)

    assert again.outgoing == spool.outgoing


def test_a_malformed_batch_is_dropped_and_a_full_one_follows():
    spool = drop_outgoing(seal(tell_statuses(Spool(epoch=1), status(1)), "c-1", NOW))
    sealed = seal(spool, "c-1", NOW)

    assert sealed.outgoing is not None
    assert sealed.outgoing.full
    assert sealed.outgoing.statuses == ()


def test_statuses_are_bounded_and_the_loss_is_counted():
    spool = tell_statuses(Spool(epoch=1), *(status(run) for run in range(STATUS_LIMIT + 5)))

    assert len(spool.statuses) == STATUS_LIMIT
    assert spool.lost == 5


def test_unchanged_facts_are_not_told_again():
    report = FactsReport(NOW, {"role": "web"})
    spool = replace(tell_facts(Spool(epoch=1), report), facts_wait=False)

    assert tell_facts(spool, report) is spool
