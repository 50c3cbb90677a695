"""Lost, doubled and late messages, crashes, wrong clocks and a second controller change no end.

The oracle is differential: the same events at a site that nothing disturbs (S1, S26, J6).
"""

import tempfile
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.engine.disturbed_site import DisturbedSite
from tests.worlds import BASICS, HEADER, NOW, an_update

MORE = f"""{HEADER}
kind: UpdateGroup
metadata: {{name: first}}
spec: {{type: standalone, updates: ["deb:Lab/security/app1/1.1"]}}
---
{HEADER}
kind: Authorization
metadata: {{name: first}}
spec: {{group: first}}
---
{HEADER}
kind: Rollout
metadata: {{name: second}}
spec:
  authorization: first
  budget: {{concurrent: 1}}
  phases:
    - {{name: some, collection: reference, deadline: 1h, spread: 1h, gate: {{success: 50%}}}}
    - {{name: all, collection: everybody, deadline: 2h, grace: 1h}}
---
{HEADER}
kind: EmergencyChange
metadata: {{name: blaster}}
spec:
  bulletin: MS03-039
  updates: ["deb:Lab/security/app2/1.1"]
  reference: reference
  production: [everybody]
  foldInto: rollup
---
{HEADER}
kind: Waiver
metadata: {{name: lab}}
spec:
  computers: [web-2]
  updates: ["deb:Lab/security/app1/1.1"]
  reason: breaks the line
  approvedBy: [ines@corp.example]
  until: 2027-03-02T13:00:00Z
---
{HEADER}
kind: Freeze
metadata: {{name: noon}}
spec: {{from: 2026-03-02T11:00:00Z, until: 2026-03-02T16:00:00Z, reason: r}}
"""
NAMES = ("ref-1", "ref-2", "web-1", "web-2")
pytestmark = pytest.mark.timeout(300)
names = st.sampled_from(NAMES)
fates = st.sampled_from(["arrives", "lost", "unanswered", "doubled"])


class Disturbances(RuleBasedStateMachine):
    """Two sites see the same events; only one of them is disturbed."""

    @initialize()
    def begin(self):
        self.folder = tempfile.TemporaryDirectory()
        paths = [Path(self.folder.name) / name for name in ("calm.db", "stormy.db")]
        self.calm, self.stormy = (DisturbedSite(path, [BASICS, MORE], NOW) for path in paths)
        for site in (self.calm, self.stormy):
            for name in NAMES:
                site.enrol(name, name.partition("-")[0].replace("ref", "reference"))
        self.published = 0
        self._publish(broken=False)

    @rule(name=names, fate=fates)
    def act_and_tell(self, name, fate):
        self.calm.act(name)
        self.calm.deliver(name, "arrives")
        self.stormy.act(name)
        self.stormy.deliver(name, fate)

    @rule(crash_at=st.integers(0, 12), after_commit=st.booleans())
    def plan(self, crash_at, after_commit):
        self.calm.run_pass()
        self.stormy.run_pass(crash_at, after_commit=after_commit)

    @rule(number=st.integers(0, 50))
    def an_old_message_comes_again(self, number):
        self.stormy.replay(number)

    @rule(hours=st.integers(1, 400))
    def the_clock_falls_back(self, hours):
        self.stormy.run_pass_in_the_past(timedelta(hours=hours))

    @rule()
    def a_second_controller_comes(self):
        self.stormy.run_pass()
        assert self.stormy.intrude()

    @rule(minutes=st.integers(1, 300))
    def time_passes(self, minutes):
        for site in (self.calm, self.stormy):
            site.now += timedelta(minutes=minutes)
            site.run_pass()

    @precondition(lambda self: self.published < 3)
    @rule(broken=st.booleans())
    def publish(self, broken):
        """What comes next to a release depends on when it was settled, so that is awaited."""
        self._settle()
        self._publish(broken=broken)

    def teardown(self):
        if hasattr(self, "folder"):
            self._settle()
            for site in (self.calm, self.stormy):
                site.close()
            self.folder.cleanup()

    def _settle(self):
        latest = max(self.calm.now, self.stormy.now)
        for site in (self.calm, self.stormy):
            site.now = latest
            site.settle()

        assert self.stormy.end() == self.calm.end()

    def _publish(self, *, broken):
        self.published += 1
        update = an_update(f"app{self.published}")
        for site in (self.calm, self.stormy):
            site.publish(update)
            if broken:
                site.broken.add(update.id)
            site.run_pass()


TestDisturbances = Disturbances.TestCase
TestDisturbances.settings = settings(
    deadline=None, max_examples=settings().max_examples // 10, stateful_step_count=15
)
