"""The loop outlives a pass that fails, and the status says so."""

from datetime import timedelta

from reconciler.app.clock import SystemClock
from reconciler.cli.status import exit_code
from reconciler.engine.desire import Desire
from reconciler.engine.loop import Loop
from reconciler.engine.passes import Reconciler
from reconciler.engine.status import STATUS
from reconciler.model.canonical import Json
from reconciler.store import Store
from tests.worlds import BASICS, NOW, SITE, load_desired


class Watched:
    """A source that always has the same commit."""

    @property
    def desire(self):
        return Desire(load_desired(BASICS), "c" * 40, (), NOW)


class Idle:
    """A workshop without work."""

    def follow(self, desired, /):
        """Take no notice."""


class FailingOnce(Reconciler):
    """Its first pass fails, its second one works and ends the loop."""

    loop: Loop
    seen: Json = None

    def run_pass(self, desire):
        if self.seen is None:
            self.seen = "failed"
            raise ValueError("a torn thing")
        with self._store.read() as view:
            self.seen = view.documents.load(STATUS)
        self.loop.stop()
        return super().run_pass(desire)


def test_failed_pass_is_told_until_the_next_one_works(tmp_path):
    store = Store(tmp_path / "site.db")
    store.migrate()
    reconciler = FailingOnce(store, SITE, SystemClock(), "host:site", timedelta(hours=1))
    reconciler.begin()
    reconciler.loop = Loop(store, reconciler, Watched(), Idle(), SystemClock())
    reconciler.loop.wake()

    reconciler.loop.run()

    with store.read() as view:
        after = view.documents.load(STATUS)
    store.close()
    assert reconciler.seen["stalled"] == "ValueError: a torn thing"
    assert exit_code(reconciler.seen) == 1
    assert after["stalled"] == ""
