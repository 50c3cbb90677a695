"""What policies demand is judged against the catalog and the fleet at hand (S24)."""

from datetime import timedelta

import pytest

from reconciler.model.rollouts import PhaseState
from reconciler.model.updates import UpdateSeverity, UpdateState
from reconciler.planning.actions import Verb
from reconciler.planning.conditions import ConditionType
from reconciler.planning.governance import check_by_catalog, check_by_fleet
from tests.worlds import BASICS, HEADER, SITE, PlannerWorld, an_update, load_desired

SATURDAYS = """
---
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: saturdays}
spec:
  query: {fact: patched, op: In, values: [saturday]}
  maintenanceWindows:
    - name: sat
      recurrence: FREQ=WEEKLY;BYDAY=SA
      start: "22:00"
      duration: 4h
      timezone: UTC
      for: all
"""


def a_policy(spec, name="strict"):
    return f"{HEADER}kind: Policy\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def a_world(*manifests, computers=4, reference=1):
    world = PlannerWorld(manifests=[BASICS, *manifests])
    world.publish(an_update("app"))
    for number in range(computers):
        ring = {"ring": "reference"} if number < reference else {}
        world.enrol(f"c{number}", **ring)
    return world


def by_fleet(world):
    desired = load_desired(*world.manifests)
    problems = check_by_fleet(desired, world.observed(), SITE, world.now)
    return [(one.code, one.message) for one in problems]


def by_catalog(world):
    desired = load_desired(*world.manifests)
    return [one.code for one in check_by_catalog(desired, world.observed().catalog, world.now)]


class TestRequireWindow:
    def test_always_declares_no_window(self):
        told = by_fleet(a_world(SATURDAYS, a_policy("{requireWindow: true}")))

        said = '{} are in none that declares windows, and policy "strict" asks for one'
        assert told == [
            ("PW1125", said.format('1 computer(s) of collection "reference"')),
            ("PW1125", said.format('4 computer(s) of collection "everybody"')),
        ]

    def test_every_targeted_computer_has_to_be_in_one_that_does(self):
        world = a_world(SATURDAYS, a_policy("{requireWindow: true}"), computers=0)
        world.enrol("ref", ring="reference", patched="saturday")
        world.enrol("web", patched="saturday")
        assert by_fleet(world) == []

        world.enrol("new")
        ((_, message),) = by_fleet(world)
        assert message.startswith('1 computer(s) of collection "everybody"')

    def test_policy_is_about_its_collections_alone(self):
        spec = "{requireWindow: true, appliesTo: {collections: [reference]}}"
        (_, (_, message)) = by_fleet(a_world(SATURDAYS, a_policy(spec)))

        assert message.startswith('1 computer(s) of collection "everybody"')


class TestDailyLimit:
    def test_phase_that_could_never_open_is_told(self):
        told = by_fleet(a_world(a_policy("{maxNewlyTargetedPerDay: 2}")))

        assert told == [
            (
                "PW1128",
                'phase "rest" targets 3 computers at once, and policy "strict" allows 2 in a day',
            )
        ]

    def test_limit_is_about_the_computers_of_its_collections(self):
        limit = "maxNewlyTargetedPerDay: 2, appliesTo: {collections: [reference]}"
        assert by_fleet(a_world(a_policy(f"{{{limit}}}"))) == []

    def test_opening_waits_until_a_day_after_those_that_were_targeted(self):
        world = a_world(a_policy("{maxNewlyTargetedPerDay: 3}"))
        world.step()
        opened_at = world.now
        world.install("c0")
        for _ in range(2):
            world.now += timedelta(hours=1)
            world.scan("c0")
            plan = world.step()

        assert world.memory.phases["monthly", 1, "first"].state is PhaseState.SUCCEEDED
        told = {one.type: one.message for one in plan.conditions}
        assert told[ConditionType.TARGETS_LIMITED] == (
            'its opening waits: policy "strict" allows 3 computer(s) in a day'
        )
        assert plan.wake_at == opened_at + timedelta(days=1)

        world.now = opened_at + timedelta(days=1) - timedelta(seconds=1)
        world.scan("c0")
        assert ("monthly", 1, "rest") not in self.phases_after(world)
        world.now += timedelta(seconds=1)
        assert ("monthly", 1, "rest") in self.phases_after(world)

    @staticmethod
    def phases_after(world):
        world.step()
        return world.memory.phases

    def test_computer_that_two_changes_target_counts_once(self):
        second = BASICS.replace("name: monthly", "name: other").replace(
            "authorization: monthly", "authorization: monthly"
        )
        rollout = second[second.rindex("---") :]
        world = a_world(rollout, a_policy("{maxNewlyTargetedPerDay: 1}"), computers=1)
        world.step()

        opened = {key[0] for key in world.memory.phases}
        assert opened == {"monthly", "other"}

    def test_emergencies_wait_for_no_limit(self):
        emergency = f"""{HEADER}kind: EmergencyChange
metadata: {{name: worm}}
spec:
  bulletin: B1
  updates: ["deb:Lab/security/app/1.1"]
  evidence: {{exploited: true}}
  reference: everybody
  production: [everybody]
  change: CHG1
  approvedBy: [x]
  deadline: asap
  windows: respect
  foldInto: rollup
  retireAt: 98%
"""
        world = a_world(emergency, a_policy("{maxNewlyTargetedPerDay: 1}"))

        assert not [message for _, message in by_fleet(world) if "worm" in message]
        assert [code for code, message in by_fleet(world)] == ["PW1128"]


class TestSeverities:
    SPEC = "{minSoak: 2h, appliesTo: {severities: [critical]}}"

    @pytest.mark.parametrize(
        ("severity", "told"), [(UpdateSeverity.CRITICAL, ["PW1121"]), (UpdateSeverity.LOW, [])]
    )
    def test_policy_binds_changes_with_an_update_of_its_severity(self, severity, told):
        world = a_world(a_policy(self.SPEC))
        world.publish(an_update("kernel", severity=severity))

        assert by_catalog(world) == told

    def test_rejected_update_makes_no_change_critical(self):
        rejection = (
            f"{HEADER}kind: Rejection\nmetadata: {{name: bad}}\n"
            'spec: {updates: ["deb:Lab/security/kernel/1.1"], reason: bricks, by: x}\n'
        )
        world = a_world(rejection, a_policy(self.SPEC))
        world.publish(an_update("kernel", severity=UpdateSeverity.CRITICAL))

        assert by_catalog(world) == []

    def test_limit_of_a_severity_counts_only_such_changes(self):
        limit = "{maxNewlyTargetedPerDay: 1, appliesTo: {severities: [critical]}}"
        world = a_world(a_policy(limit))
        assert by_fleet(world) == []

        world.publish(an_update("kernel", severity=UpdateSeverity.CRITICAL))
        assert [code for code, _ in by_fleet(world)] == ["PW1128"]


class TestAssertions:
    NO_OPENING = a_policy("{assertions: [\"!plan.actions.exists(a, a.verb == 'OpenPhase')\"]}")

    def test_plan_that_fails_one_is_told(self):
        assert by_fleet(a_world(self.NO_OPENING)) == [
            ("PW1129", "assertion 1 is not true of the plan")
        ]

    def test_what_has_no_answer_fails_too(self):
        ((_, message),) = by_fleet(a_world(a_policy("{assertions: [plan.nothing == 1]}")))

        assert message == (
            "assertion 1 is not true of the plan: no such member in mapping: 'nothing'"
        )

    def test_time_opens_nothing_that_fails_one(self):
        world = a_world(self.NO_OPENING)
        plan = world.step()

        assert Verb.CUT_RELEASE in {action.verb for action in plan.actions}
        assert not world.memory.phases
        told = {(one.subject, one.type): one.message for one in plan.conditions}
        assert told["Policy/strict", ConditionType.ASSERTION_FAILED] == (
            "assertion 1 is not true of the plan"
        )
        assert world.plan().actions == ()

    def test_halt_happens_whatever_is_asserted(self):
        world = a_world(computers=2, reference=2)
        world.step()
        world.manifests.append(
            a_policy("{assertions: [\"!plan.actions.exists(a, a.verb == 'HaltPhase')\"]}")
        )
        world.now += timedelta(hours=1)
        world.scan(app=UpdateState.MISSING)
        world.fail("c0", "c1")
        plan = world.step()

        assert Verb.HALT_PHASE in {action.verb for action in plan.actions}
        assert ConditionType.ASSERTION_FAILED in {one.type for one in plan.conditions}
