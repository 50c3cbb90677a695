"""`kill -9` at any write of a pass, before or after its commit, changes nothing in the end (S26).

The oracle is differential: the same world without the kill. A fixed clock makes records equal to
the byte, so that an object made twice, lost, or given another id shows.
"""

import os
import shutil
import signal
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.app.clock import FixedClock
from reconciler.engine.desire import Desire
from reconciler.engine.passes import Reconciler
from reconciler.model.computers import Run, RunOutcome
from reconciler.model.messages import FactValue
from reconciler.model.objects import ContentAssignment, ContentState
from reconciler.model.updates import UpdateState
from reconciler.store import Store
from tests.worlds import BASICS, HEADER, NOW, SITE, an_update, load_desired

DRILL = (
    HEADER
    + """
kind: Drill
metadata: {name: fire}
spec: {collection: everybody, schedule: 30d, targets: {verified: 1h}}
"""
)
STEPS = ("open", "gate", "finish")
AT = {"open": NOW, "gate": NOW + timedelta(minutes=5), "finish": NOW + timedelta(hours=2)}
DRILL_AT = {"open": "Staging", "gate": "Advertised", "finish": "Verified"}


class KillingStore(Store):
    """A store that kills its process at the n-th write, with or without its commit."""

    def __init__(self, path, number, *, committed):
        super().__init__(path)
        self._left = number
        self._committed = committed

    @contextmanager
    def write(self):
        with super().write() as work:
            yield work
            self._left -= 1
            if self._left == 0 and not self._committed:
                os.kill(os.getpid(), signal.SIGKILL)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def make_world(path):
    """Four computers that miss one update."""
    store = Store(path)
    store.migrate()
    with store.write() as work:
        work.catalog.merge("lab", [an_update("app")], NOW)
        version = work.catalog.version()
        update = an_update("app").id
        for name in ("ref-1", "ref-2", "web-1", "web-2"):
            made = work.computers.enrol(name, name, NOW)
            ring = "reference" if name.startswith("ref") else "rest"
            facts: dict[str, FactValue] = {"ring": ring, "os.release": "debian-12", "arch": "amd64"}
            states = {update: UpdateState.MISSING}
            scanned = replace(
                made, facts=facts, states=states, last_scan_at=NOW, scan_version=version
            )
            work.computers.save(scanned)
            work.computers.contacts({made.id: NOW})
    store.close()


def prepare(path, step):
    """Have the fleet do what it was told before the step."""
    if step == "open":
        return
    at = AT[step] - timedelta(minutes=1)
    store = Store(path)
    with store.write() as work:
        computers, _ = work.computers.changed_since(0)
        for computer in computers:
            if step == "finish" or computer.facts["ring"] == "reference":
                run = Run("monthly", 1, RunOutcome.SUCCEEDED, at, at)
                states = dict.fromkeys(computer.states, UpdateState.INSTALLED)
                done = replace(computer, states=states, last_scan_at=at, runs={"monthly/1": run})
                work.computers.save(done)
                work.computers.contacts({computer.id: at})
        for content in work.records.all(ContentAssignment):
            work.records.put(replace(content, state=ContentState.DONE, manifest="a" * 64))
    store.close()


def run_step(store, step):
    """Make the step's pass and give how many actions it took."""
    clock = FixedClock(AT[step])
    reconciler = Reconciler(store, SITE, clock, "host:site", timedelta(hours=1))
    reconciler.begin()
    applied = reconciler.run_pass(
        Desire(load_desired(BASICS, DRILL), "c" * 40, (), AT[step])
    ).applied
    reconciler.end()
    store.close()
    return applied


def records_of(path):
    """Give every record, and the counter of ids."""
    store = Store(path)
    with store.read() as view:
        memory = view.records.load_memory()
    store.close()
    return memory


def killed_run(path, step, number, *, committed):
    """Run the step in a child that is killed; tell whether the kill came before its end."""
    child = os.fork()
    if child == 0:
        run_step(KillingStore(path, number, committed=committed), step)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


@pytest.mark.parametrize("committed", [False, True], ids=["before-commit", "after-commit"])
@pytest.mark.parametrize("step", STEPS)
def test_kill_at_any_write_changes_nothing_in_the_end(tmp_path, step, committed):
    path = tmp_path / "site.db"
    make_world(path)
    for earlier in STEPS[: STEPS.index(step)]:
        prepare(path, earlier)
        run_step(Store(path), earlier)
    prepare(path, step)
    start, undisturbed = tmp_path / "start.db", tmp_path / "undisturbed.db"
    shutil.copy(path, start)
    shutil.copy(path, undisturbed)
    assert run_step(Store(undisturbed), step) > 0
    expected = records_of(undisturbed)

    number = 0
    killed = True
    while killed:
        number += 1
        for stale in tmp_path.glob("site.db*"):
            stale.unlink()
        shutil.copy(start, path)
        killed = killed_run(path, step, number, committed=committed)
        run_step(Store(path), step)

        assert records_of(path) == expected, f"killed at write {number}"
    assert number > 4
    assert expected.drills["Drill/fire", 1].state.value == DRILL_AT[step]


def test_pass_after_a_finished_one_writes_nothing(tmp_path):
    path = tmp_path / "site.db"
    make_world(path)
    run_step(Store(path), "open")
    store = Store(path)
    reconciler = Reconciler(store, SITE, FixedClock(AT["open"]), "host:site", timedelta(hours=1))
    reconciler.begin()
    desire = Desire(load_desired(BASICS, DRILL), "c" * 40, (), AT["open"])
    reconciler.run_pass(desire)
    with store.read() as view:
        before = (view.change(), view.policy_version(), view.journal.recent(1))

    reconciler.run_pass(desire)

    with store.read() as view:
        assert (view.change(), view.policy_version(), view.journal.recent(1)) == before
    store.close()
