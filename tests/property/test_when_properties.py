"""Waivers, freezes and deadlines hold of every plan, whatever happens to a fleet (S11 to S17)."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from reconciler.model.updates import UpdateState
from tests.property.strategies import computers, products
from tests.property.test_planner import RolloutMachine
from tests.worlds import HEADER, PlannerWorld, an_update

HOUR = timedelta(hours=1)


class HoldMachine(RolloutMachine):
    """The same fleet under waivers and freezes."""

    def __init__(self):
        super().__init__()
        self.waived_until = {}
        self.frozen_until = None
        self._write()

    @rule(name=computers, product=products, hours=st.integers(1, 9))
    def waive(self, name, product, hours):
        for update in self.world.entries:
            if f"/{product}/" in update:
                self.waived_until[name, update] = self.world.now + hours * HOUR
        self._write()

    @rule(hours=st.integers(1, 5))
    def freeze(self, hours):
        self.frozen_until = self.world.now + hours * HOUR
        self.frozen_from = self.world.now
        self._write()

    @invariant()
    def waived_updates_are_never_offered(self):
        self.world.capture()
        for (name, update), until in self.waived_until.items():
            if name in self.world.computers and self.world.now < until:
                offers = self.world.policy(name).offers
                assert update not in {one.id for offer in offers for one in offer.updates}

    @invariant()
    def nothing_starts_or_opens_in_a_freeze(self):
        if self.frozen_until is None or self.world.now >= self.frozen_until:
            return
        plan = self.world.plan()
        assert not [action for action in plan.actions if action.verb == "OpenPhase"]
        for one in plan.guidance.windows:
            assert not one.windows.always
            assert not any(begin <= plan.now < end for begin, end in one.windows.updates)

    def _write(self):
        super()._write()
        for number, ((name, update), until) in enumerate(sorted(self.waived_until.items())):
            self.world.manifests.append(
                HEADER + f"kind: Waiver\nmetadata: {{name: w{number}}}\n"
                f'spec: {{computers: [{name}], updates: ["{update}"], reason: r,'
                f" approvedBy: [ines], until: {until:%Y-%m-%dT%H:%M:%SZ}}}\n"
            )
        if self.frozen_until is not None:
            span = f"from: {self.frozen_from:%Y-%m-%dT%H:%M:%SZ}"
            span += f", until: {self.frozen_until:%Y-%m-%dT%H:%M:%SZ}"
            self.world.manifests.append(
                HEADER + f"kind: Freeze\nmetadata: {{name: f}}\nspec: {{{span}}}\n"
            )


SETTINGS = {
    "deadline: 1d": "deadline: 2026-03-03T00:00:00Z\n      grace: 3h",
    "deadline: 2d": "opens: {at: 2026-03-02T09:00:00Z}, deadline: 5h, grace: 1h",
    "releases: {every: 1h}": "timeBasis: local\n  releases: {every: 1h}",
}
NAMES = ("ref-1", "ref-2", "web-1", "web-2")
names = st.sampled_from(NAMES)
zones = st.sampled_from(["Asia/Tokyo", "America/New_York", "Europe/Rome", "Mars/Base"])


class DeadlineMachine(RuleBasedStateMachine):
    """Both phases of a release are open; computers move, fly, fall silent and come back."""

    def __init__(self):
        super().__init__()
        self.world = PlannerWorld()
        for old, new in SETTINGS.items():
            self.world.edit(old, new)
        for name in NAMES:
            self.world.enrol(name, ring=name[:3])
        self.world.publish(an_update("app"))
        self.world.scan(app=UpdateState.MISSING)
        self.world.edit("values: [reference]", "values: [ref]")
        self.world.step()
        self.world.capture()

    @rule(minutes=st.integers(1, 400))
    def pass_time(self, minutes):
        self.world.pass_time(minutes=minutes)

    @rule(name=names)
    def contact(self, name):
        self.world.contact(name)

    @rule(name=names)
    def contact_of_which_a_plan_learns(self, name):
        self.world.contact(name)
        self.world.step()

    @rule(name=names, ring=st.sampled_from(["ref", "web"]))
    def move(self, name, ring):
        """A move between phases of one release never makes a deadline later (S17)."""
        before = self._stepped_deadline(name)
        self.world.change(name, facts={"ring": ring})

        assert self._stepped_deadline(name) <= before

    @rule(name=names, zone=zones)
    def fly(self, name, zone):
        """Once passed it stays passed, wherever the computer goes (S17)."""
        before = self._stepped_deadline(name)
        self.world.change(name, facts={"timezone": zone})

        after = self._stepped_deadline(name)
        assert after <= before or self.world.now < before

    @invariant()
    def plan_after_apply_is_empty(self):
        self.world.step()
        assert self.world.plan().actions == ()

    @invariant()
    def who_was_never_in_contact_since_has_all_of_the_grace(self):
        """Unless it had an earlier deadline before."""
        for name in NAMES:
            key = self._phase(name)
            one = self.world.memory.memberships[key]
            ordinal = self.world.computers[name].ordinal
            if one.capped.moment_of(ordinal) is None and ordinal in (one.awaited or ()):
                grace = timedelta(hours=3 if key[2] == "first" else 1)
                assert self._deadline(name) >= self.world.now + grace

    def _phase(self, name):
        ordinal = self.world.computers[name].ordinal
        found = self.world.memory.memberships.items()
        (key,) = (key for key, one in found if ordinal in one.members)
        return key

    def _stepped_deadline(self, name):
        self.world.step()
        return self._deadline(name)

    def _deadline(self, name):
        (offer,) = self.world.policy(name).offers
        return offer.mandatory_at


TestHolds = HoldMachine.TestCase
TestHolds.settings = settings(max_examples=15, stateful_step_count=16, deadline=None)
TestDeadlines = DeadlineMachine.TestCase
TestDeadlines.settings = settings(max_examples=40, stateful_step_count=15, deadline=None)
