"""A site with its agents on one database, between them a network that may do anything to messages.

What a message says is made when the agent acts; a disturbance decides only whether, how often and
when it arrives. The engine may die at any write and is then started again at the same instant.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import select

from reconciler.app.clock import FixedClock
from reconciler.engine.desire import Desire
from reconciler.engine.passes import Reconciler
from reconciler.engine.policies import PolicyDesk
from reconciler.model.canonical import canonical_json
from reconciler.model.codec import encode
from reconciler.model.computers import Computer
from reconciler.model.errors import LeaseLostError
from reconciler.model.messages import Batch, ScanOutcome, ScanReport, StatusId, StatusMessage
from reconciler.model.objects import ContentAssignment, ContentState
from reconciler.model.policy import Offer
from reconciler.model.updates import Update, UpdateState
from reconciler.observed.memory import Memory
from reconciler.store import Store
from reconciler.store.schema import journal_intent
from tests.worlds import SITE, load_desired

MANIFEST = "a" * 64
OWNER = "here:engine"
ONCE = (
    "CutRelease",
    "OpenPhase",
    "CreatePackage",
    "CreateProgram",
    "AssignContent",
    "CreateAdvertisement",
    "EnterState",
    "RetireAdvertisement",
    "RetirePackage",
)


class CrashError(Exception):
    """The engine's process ended."""


class CrashingStore(Store):
    """A store whose user dies at the n-th write, before or after its commit; 0 is never."""

    crash_at = 0
    after_commit = False

    @contextmanager
    def write(self):
        self.crash_at -= 1
        is_last = self.crash_at == 0
        with super().write() as work:
            yield work
            if is_last and not self.after_commit:
                raise CrashError
        if is_last:
            raise CrashError

    def effects(self) -> Counter[str]:
        """Count what was done once and for all, of the actions whose number no delay changes."""
        asked = select(journal_intent.c.verb).where(journal_intent.c.done_at.is_not(None))
        with self._database.reading() as connection:
            return Counter(verb for verb in connection.execute(asked).scalars() if verb in ONCE)


@dataclass
class FakeAgent:
    """One computer: what is installed on it, and the messages that nobody has confirmed."""

    computer: str
    states: dict[str, UpdateState] = field(default_factory=dict)
    changes: dict[str, UpdateState] = field(default_factory=dict)
    statuses: list[StatusMessage] = field(default_factory=list)
    scanned_at: datetime | None = None
    content_version: int = 0
    serial: int = 0
    is_full: bool = True
    runs: int = 0
    sent: list[Batch] = field(default_factory=list)

    def scan(self, version: int, now: datetime) -> None:
        """Look at what is installed."""
        self.scanned_at, self.content_version = now, version
        self.changes = dict(self.states)

    def run(self, offer: Offer, now: datetime, broken: set[str]) -> None:
        """Install what is offered; a broken update fails."""
        self.runs += 1
        asked = {update.id for update in offer.updates}
        done = not asked & broken
        if done:
            self.states.update(dict.fromkeys(asked & self.states.keys(), UpdateState.INSTALLED))
        began = StatusMessage(
            now,
            StatusId.PROGRAM_STARTED,
            offer.advertisement,
            offer.rollout,
            offer.release,
            self.runs,
        )
        end = StatusId.PROGRAM_SUCCEEDED if done else StatusId.PROGRAM_FAILED
        self.statuses += [began, replace(began, id=end, exit_code=0 if done else 100)]

    def batch(self, now: datetime) -> Batch:
        """Say all that was not confirmed."""
        scan = None
        if self.scanned_at is not None:
            scan = ScanReport(
                self.scanned_at,
                self.scanned_at,
                ScanOutcome.COMPLETED,
                self.content_version,
                dict(self.states) if self.is_full else dict(self.changes),
            )
        return Batch(
            self.computer,
            1,
            self.serial + 1,
            full=self.is_full,
            sent_at=now,
            scan=scan,
            statuses=tuple(self.statuses),
        )


class DisturbedSite:
    """The engine, the inbox and the agents; `fate` decides what becomes of a message."""

    def __init__(self, path, manifests: list[str], now: datetime) -> None:
        self.store = CrashingStore(path)
        self.store.migrate()
        self.manifests = manifests
        self.now = now
        self.agents: dict[str, FakeAgent] = {}
        self.broken: set[str] = set()
        self.late: list[Batch] = []
        self._desk = PolicyDesk(SITE.name, timedelta(hours=1), timedelta(seconds=30))
        self._reconciler = self._start()

    def close(self) -> None:
        self.store.close()

    def enrol(self, name: str, ring: str) -> None:
        with self.store.write() as work:
            made = work.computers.enrol(name, name, self.now)
            facts = {"ring": ring, "os.release": "debian-12", "arch": "amd64"}
            work.computers.save(replace(made, facts=facts))
            work.computers.contacts({made.id: self.now})
        self.agents[name] = FakeAgent(made.id)

    def publish(self, update: Update) -> None:
        with self.store.write() as work:
            known = [entry.update for entry in work.catalog.entries().values()]
            work.catalog.merge("lab", [*known, update], self.now)
        for agent in self.agents.values():
            agent.states[update.id] = UpdateState.MISSING

    def act(self, name: str) -> None:
        """Have a computer do what its policy says now, and scan."""
        agent = self.agents[name]
        with self.store.read() as view:
            policy = self._desk.policy_of(view, agent.computer, self.now)
            version = view.catalog.version()
        for offer in policy.offers:
            missing = any(agent.states[one.id] is UpdateState.MISSING for one in offer.updates)
            if missing and not offer.held and not (_ids(offer) & self.broken and agent.runs):
                agent.run(offer, self.now, self.broken)
        agent.scan(version, self.now)

    def deliver(self, name: str, fate: str) -> None:
        """Send what a computer has to say: it may be lost, doubled, kept back, or arrive."""
        agent = self.agents[name]
        batch = agent.batch(self.now)
        if fate == "lost":
            return
        reply = self._receive(batch)
        self.late.append(batch)
        if fate == "unanswered":
            return
        if fate == "doubled":
            reply = self._receive(batch)
        if reply.resync:
            agent.serial, agent.is_full = reply.serial, True
            return
        agent.serial, agent.is_full = batch.serial, False
        agent.statuses, agent.scanned_at, agent.changes = [], None, {}

    def replay(self, number: int) -> None:
        """Have an old message arrive once more, long after the others."""
        if self.late:
            self._receive(self.late[number % len(self.late)])

    def run_pass(self, crash_at: int = 0, *, after_commit: bool = False) -> None:
        """Run a pass; when the engine dies in it, another one is started and runs it."""
        self.store.crash_at, self.store.after_commit = crash_at, after_commit
        try:
            self._pass(self._reconciler)
        except CrashError:
            self.store.crash_at = 0
            self._reconciler = self._start()
            self._pass(self._reconciler)
        self.store.crash_at = 0
        self._capture()
        self._pass(self._reconciler)

    def run_pass_in_the_past(self, back: timedelta) -> None:
        """Run a pass while the machine's clock is behind."""
        real, self.now = self.now, self.now - back
        self._reconciler = self._start()
        self._pass(self._reconciler)
        self.now = real
        self._reconciler = self._start()

    def intrude(self) -> bool:
        """Have a second controller try to act; tell whether it was kept out."""
        other = self._make("there:engine")
        try:
            other.begin()
        except LeaseLostError:
            return True
        return False

    def settle(self) -> None:
        """Let everybody act and every message arrive until nothing changes any more."""
        before = None
        for _ in range(30):
            self.now += timedelta(hours=2)
            for name in self.agents:
                self.act(name)
                self.deliver(name, "arrives")
                self.deliver(name, "arrives")
            self.run_pass()
            end = self.end()
            if end == before:
                return
            before = end
        raise AssertionError("it does not settle")

    def end(self) -> tuple[object, ...]:
        """Give what has come of it all, without instants."""
        memory = self.memory()
        return (
            sorted((*key, one.state.value, one.retired) for key, one in memory.phases.items()),
            sorted((*key, one.removed, one.retired) for key, one in memory.releases.items()),
            sorted(
                (one.rollout, one.release, one.phase, one.updates, one.held)
                for one in memory.advertisements.values()
            ),
            {name: sorted(agent.states.items()) for name, agent in self.agents.items()},
            memory.next_number,
            sorted(self.store.effects().items()),
        )

    def memory(self) -> Memory:
        with self.store.read() as view:
            return view.records.load_memory()

    def computers(self) -> list[Computer]:
        with self.store.read() as view:
            return view.computers.changed_since(0)[0]

    def _receive(self, batch: Batch):
        body = canonical_json(encode(batch))
        with self.store.write() as work:
            work.computers.contacts({batch.computer: self.now})
            return work.inbox.accept(batch, body, self.now)

    def _start(self) -> Reconciler:
        made = self._make(OWNER)
        made.begin()
        return made

    def _make(self, owner: str) -> Reconciler:
        return Reconciler(self.store, SITE, FixedClock(self.now), owner, timedelta(days=3650))

    def _pass(self, reconciler: Reconciler) -> None:
        reconciler._clock = FixedClock(self.now)  # noqa: SLF001  # one engine, as time goes by
        desired = load_desired(*self.manifests)
        reconciler.run_pass(Desire(desired, desired.commit, (), self.now))

    def _capture(self) -> None:
        with self.store.write() as work:
            for one in work.records.all(ContentAssignment):
                if one.state is ContentState.STARTED:
                    work.records.put(replace(one, state=ContentState.DONE, manifest=MANIFEST))


def _ids(offer: Offer) -> set[str]:
    return {update.id for update in offer.updates}
