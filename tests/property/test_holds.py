"""Memberships in force against a slow, obvious model that keeps all of its history (S7)."""

import json
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.worlds import HEADER, PlannerWorld

DAY = timedelta(hours=24)
SITE_DOCUMENT = HEADER + "kind: Site\nmetadata: {name: main}\nspec: {code: PWR}\n"
numbers = st.sets(st.integers(0, 29), min_size=6)


class Model:
    """One collection as the language tells it, in plain sets by name."""

    def __init__(self):
        self.history = []
        self.revised_at = None
        self.held = False

    def step(self, now, selected, enrolled_at, share, revised):
        """Take note of a plan: who is selected of those that are enrolled."""
        if not self.history or revised:
            self.revised_at = now
            self.held, accepted = False, selected
        else:
            before = self.history[-1][1]
            self.held = self._is_too_large(now, selected, enrolled_at, share)
            self.held = self.held and selected != before & set(enrolled_at)
            accepted = before & set(enrolled_at) if self.held else selected
        self.history.append((now, accepted))
        return accepted

    def _is_too_large(self, now, selected, enrolled_at, share):
        base_at = max(now - DAY, self.revised_at)
        base = next(members for at, members in reversed(self.history) if at <= base_at)
        joined = {name for name in selected - base if enrolled_at[name] <= base_at}
        left = {name for name in base - selected if name in enrolled_at}
        change = len(joined) + len(left)
        return share < 100 and change > 10 and change * 100 > share * len(base)


class HoldMachine(RuleBasedStateMachine):
    """Servers that change their roles, come and go, while plans are carried out."""

    def __init__(self):
        super().__init__()
        self.world = PlannerWorld()
        self.model = Model()
        self.share, self.revision, self.revised = 50, 0, False

    @initialize()
    def begin(self):
        for number in range(30):
            self.world.enrol(f"pc-{number}", role="web" if number < 20 else "mail")
        self._write()
        self.plan()

    @rule(chosen=numbers, role=st.sampled_from(["web", "mail"]))
    def turn(self, chosen, role):
        self.world.change(*(f"pc-{number}" for number in chosen), facts={"role": role})

    @rule(chosen=st.sets(st.integers(0, 29), max_size=3))
    def retire(self, chosen):
        self.world.change(*(f"pc-{number}" for number in chosen), retired=True)

    @rule(count=st.integers(1, 4))
    def enrol(self, count):
        size = len(self.world.computers)
        for number in range(size, min(size + count, 60)):
            self.world.enrol(f"pc-{number}", role="web")

    @rule(hours=st.integers(1, 30))
    def pass_time(self, hours):
        self.world.pass_time(hours=hours)

    @rule(share=st.sampled_from([1, 20, 50, 100]))
    def commit(self, share):
        self.share, self.revised = share, True
        self.revision += 1
        self._write()

    @rule()
    def plan(self):
        self.world.pass_time(seconds=1)
        computers = self.world.computers.values()
        enrolled_at = {one.name: one.enrolled_at for one in computers if not one.retired}
        selected = {one.name for one in computers if one.facts["role"] == "web"} & set(enrolled_at)
        now, revised = self.world.now, self.revised
        expected = self.model.step(now, selected, enrolled_at, self.share, revised)
        self.revised = False
        plan = self.world.step()

        assert self.world.names(self.world.memory.rolls["web",].members) == expected
        assert any(one.type.value == "Held" for one in plan.conditions) == self.model.held

    @invariant()
    def plan_after_apply_is_empty(self):
        before = self.world.memory
        self.world.step()
        again = self.world.plan()
        self.world.memory = before

        assert again.actions == ()

    def _write(self):
        spec = {
            "description": f"revision {self.revision}",
            "query": {"fact": "role", "op": "In", "values": ["web"]},
            "maxChange": f"{self.share}%",
        }
        header = {"apiVersion": "patchwright.dev/v1alpha1", "kind": "Collection"}
        text = json.dumps({**header, "metadata": {"name": "web"}, "spec": spec})
        self.world.manifests = [SITE_DOCUMENT, text]


TestHolds = HoldMachine.TestCase
TestHolds.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)
