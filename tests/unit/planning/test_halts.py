"""Every condition of a halt, and what lifts it (S15)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.computers import RunOutcome
from reconciler.model.updates import UpdateState
from reconciler.planning.actions import Verb
from tests.worlds import PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
APP, LIB = "deb:Lab/security/app/1.1", "deb:Lab/security/lib/1.1"
EXCEPT_APP = f'{{group: rollup, except: ["{APP}"]}}'
SECOND = """
apiVersion: patchwright.dev/v1alpha1
kind: Rollout
metadata: {name: second}
spec:
  authorization: monthly
  phases: [{name: all, collection: everybody, opens: {notBefore: 2026-03-02T10:00:00Z}}]
"""


def a_world(size=2, halt="{failures: 50%}", gate="{success: 90%, soak: 1h}", *more):
    """Open the first phase on computers `c0` and so on, which miss two updates."""
    world = PlannerWorld()
    world.manifests += more
    world.edit("halt: {failures: 50%}", f"halt: {halt}")
    world.edit("gate: {success: 90%, soak: 1h}", f"gate: {gate}")
    for number in range(size):
        world.enrol(f"c{number}", ring="reference")
    world.publish(an_update("app"), an_update("lib"))
    world.scan(app=MISSING, lib=MISSING)
    world.step()
    world.pass_time(minutes=1)
    return world


def names(*numbers):
    return [f"c{number}" for number in numbers]


def halted(*more):
    """One of two failed on app; it has lib."""
    world = a_world(2, "{failures: 50%}", "{success: 90%, soak: 1h}", *more)
    world.scan("c0", lib=INSTALLED)
    world.fail("c0")
    world.step()
    assert world.state("first") == "halted"
    world.pass_time(minutes=1)
    return world


def resume(world, how):
    more = "" if how == "retry" else ", release: 1, phase: first"
    world.edit(
        "  authorization: monthly\n",
        f"  authorization: monthly\n  resume: {{token: t1, how: {how}, reason: r, by: b{more}}}\n",
    )
    return world.step()


def offers_of(world, release):
    return {one.held for one in world.offers() if one.release == release}


@pytest.mark.parametrize(
    ("failures", "failed", "installed", "state"),
    [
        ("10%", 1, 9, "halted"),
        ("10%", 1, 10, "open"),
        ("33.333333%", 1, 2, "halted"),
        ("33.333334%", 1, 2, "open"),
        ("0.000001%", 0, 5, "open"),
        ("100%", 3, 0, "halted"),
        ("100%", 3, 1, "open"),
    ],
)
def test_share_of_failures_among_those_who_tried_is_exact(failures, failed, installed, state):
    """Computers that did neither are left aside."""
    world = a_world(12, f"{{failures: {failures}}}")
    world.change(*world.computers, last_scan_at=None)
    world.fail(*names(*range(failed)))
    if installed:
        world.install(*names(*range(failed, failed + installed)))
    world.step()

    assert world.state("first") == state


@pytest.mark.parametrize(
    ("size", "failed", "state"), [(5, 2, "open"), (5, 3, "halted"), (2, 2, "halted")]
)
def test_enough_have_to_try_but_never_more_than_targeted(size, failed, state):
    world = a_world(size, "{failures: 50%, minReported: 3}")
    world.fail(*names(*range(failed)))
    world.step()

    assert world.state("first") == state


@pytest.mark.parametrize(
    ("outcome", "state"), [("failed", "halted"), ("timedOut", "halted"), ("succeeded", "open")]
)
def test_run_that_ended_badly_is_a_failure(outcome, state):
    world = a_world()
    world.run("c0", outcome=RunOutcome(outcome))
    world.step()

    assert world.state("first") == state


def test_run_under_way_is_no_failure():
    world = a_world()
    world.run("c0", outcome=RunOutcome.BEGAN, ended_at=None)
    world.step()

    assert world.state("first") == "open"


def test_failure_counts_while_the_next_run_is_under_way():
    world = a_world()
    failed_at = world.now
    world.pass_time(minutes=5)
    world.run("c0", outcome=RunOutcome.FAILED, ended_at=failed_at)
    world.step()

    assert world.state("first") == "halted"


def test_failure_before_the_opening_does_not_count():
    world = a_world()
    before = world.record("first").opened_at - timedelta(seconds=1)
    world.run("c0", outcome=RunOutcome.FAILED, began_at=before, ended_at=before)
    world.scan("c1")
    world.step()

    assert world.state("first") == "open"


def test_failure_of_another_release_does_not_count():
    world = a_world()
    world.run("c0", outcome=RunOutcome.FAILED, release=2)
    world.step()

    assert world.state("first") == "open"


@pytest.mark.parametrize(("later", "state"), [(0, "halted"), (1, "open")])
def test_later_scan_that_shows_it_compliant_takes_the_failure_back(later, state):
    world = a_world()
    world.run("c0", outcome=RunOutcome.FAILED)
    world.pass_time(seconds=later)
    world.scan("c0", app=INSTALLED, lib=INSTALLED)
    world.step()

    assert world.state("first") == state


def test_lost_one_counts_as_failed():
    world = a_world(2, gate="{success: 90%, unreachableAfter: 7d}")
    world.run("c0", outcome=RunOutcome.BEGAN, ended_at=None)
    world.pass_time(days=7)
    world.scan("c1")
    world.step()

    assert world.state("first") == "halted"


def test_unreachable_one_that_did_not_start_is_no_failure():
    world = a_world(2, gate="{success: 90%, unreachableAfter: 7d}")
    world.pass_time(days=7)
    world.scan("c1")
    world.step()

    assert world.state("first") == "open"


def waived(*computers):
    """Let computers off both updates."""
    who = ", ".join(computers)
    return f"""
apiVersion: patchwright.dev/v1alpha1
kind: Waiver
metadata: {{name: off}}
spec:
  computers: [{who}]
  updates: ["{APP}", "{LIB}"]
  reason: breaks the line
  approvedBy: [ines]
  until: 2026-04-01T00:00:00Z
"""


def test_waived_ones_do_not_thin_the_failures_out():
    world = a_world(3, "{failures: 50%}", "{success: 90%}", waived("c0", "c1"))
    world.scan("c0", "c1")
    world.fail("c2")
    world.step()

    assert world.state("first") == "halted"


def test_waived_one_is_no_failure():
    world = a_world(2, "{failures: 50%}", "{success: 90%}", waived("c0"))
    world.fail("c0")
    world.step()

    assert world.state("first") == "open"


def test_phase_without_halt_never_halts():
    world = a_world()
    world.edit("      halt: {failures: 50%}\n", "")
    world.fail("c0", "c1")
    world.step()

    assert world.state("first") == "open"


def test_succeeded_phase_halts_too_and_is_what_it_was_after_the_lift():
    world = a_world(2, gate="{success: 90%}")
    world.install()
    world.step()
    assert world.state("first") == "succeeded"
    world.pass_time(minutes=1)
    world.scan("c0", app=MISSING)
    world.fail("c0")
    world.step()
    assert world.state("first") == "halted"
    world.pass_time(minutes=1)
    resume(world, "retry")

    assert world.state("first") == "succeeded"


def test_suspended_phase_halts_too():
    world = a_world()
    world.edit("  releases: {every: 1h}\n", "  suspend: {reason: fire, by: ines}\n")
    world.fail("c0")
    world.step()

    assert world.state("first") == "halted"


def test_skipped_phase_never_halts():
    world = halted()
    resume(world, "skip")
    world.pass_time(minutes=1)
    world.fail("c0", "c1")
    world.step()

    assert world.state("first") == "succeeded"


def test_halt_on_stale_reads_still_holds_the_offers():
    world = a_world()
    world.fail("c0")
    world.fresh = False
    world.step()

    assert (world.state("first"), offers_of(world, 1)) == ("halted", {True})


def test_every_update_is_suspect_where_none_is_known_to_be_missing():
    world = a_world()
    world.change("c0", states={APP: UpdateState.UNKNOWN})
    world.fail("c0")
    world.step()

    assert world.record("first").blocked == (APP, LIB)


def test_retry_forgets_the_failures():
    world = halted()
    resume(world, "retry")

    assert (world.state("first"), world.record("first").blocked) == ("open", ())
    assert world.plan().actions == ()


def test_failure_after_a_retry_halts_again():
    world = halted()
    resume(world, "retry")
    world.pass_time(minutes=1)
    world.fail("c0")
    world.step()

    assert world.state("first") == "halted"


def test_token_acts_once():
    world = halted()
    resume(world, "retry")
    world.pass_time(minutes=1)
    world.fail("c0")
    world.step()
    world.pass_time(minutes=1)
    plan = world.step()

    assert world.state("first") == "halted"
    assert plan.actions == ()


def test_accepted_phase_is_passed_and_still_offered():
    world = halted()
    world.enrol("web")
    resume(world, "accept")

    assert (world.state("first"), world.state("rest")) == ("succeeded", "open")
    assert offers_of(world, 1) == {False}


def test_resume_that_names_what_has_not_opened_changes_nothing():
    world = a_world()
    text = "resume: {token: t, how: skip, reason: r, by: b, release: 7, phase: rest}"
    world.edit("  authorization: monthly\n", f"  authorization: monthly\n  {text}\n")
    plan = world.step()

    assert [action.verb for action in plan.actions] == [Verb.SEE_TOKEN]


def test_halted_update_opens_nothing_in_another_rollout():
    world = halted(SECOND)
    world.pass_time(hours=2)
    world.scan("c1")
    world.step()

    assert world.state("all", rollout="second") == "pending"
    assert "HaltedElsewhere" in world.told()


@pytest.mark.parametrize("how", ["retry", "accept", "skip"])
def test_lift_lets_the_other_rollout_go_on(how):
    world = halted(SECOND)
    world.pass_time(hours=2)
    world.scan("c1")
    resume(world, how)

    assert world.state("all", rollout="second") == "open"


def test_rollout_without_the_update_goes_on():
    world = halted(SECOND)
    world.pass_time(hours=2)
    world.edit("{group: rollup}", EXCEPT_APP)
    world.step()

    assert world.state("all", rollout="second") == "open"


def test_halted_rollout_that_leaves_git_lets_the_others_go_on_in_the_same_plan():
    """What is forgotten must not decide: a plan after this one would find more to do (S26)."""
    world = halted(SECOND)
    world.pass_time(hours=2)
    world.manifests[0] = world.manifests[0][: world.manifests[0].rindex("---\n")]
    world.step()

    assert world.state("all", rollout="second") == "open"
    assert world.plan().actions == ()


def test_halt_on_what_is_emptied_is_lifted_so_that_a_mended_update_may_come_back():
    world = halted()
    world.edit("{group: rollup}", f'{{group: rollup, except: ["{APP}", "{LIB}"]}}')
    world.step()
    world.edit(f'{{group: rollup, except: ["{APP}", "{LIB}"]}}', "{group: rollup}")
    world.pass_time(hours=2)
    world.scan()
    world.step()

    assert world.state("first", release=2) == "open"
    assert "HaltedElsewhere" not in world.told()


def test_relieved_release_lets_the_next_one_be_cut():
    world = halted()
    world.edit("{group: rollup}", EXCEPT_APP)
    world.pass_time(hours=2)
    world.publish(an_update("tool"))
    world.scan("c1", tool=MISSING)
    world.step()

    assert [one.id for one in world.memory.releases["monthly", 2].offered()] == [
        "deb:Lab/security/lib/1.1",
        "deb:Lab/security/tool/1.1",
    ]


def test_accept_lifts_a_halt_where_the_release_retired_meanwhile():
    world = halted()
    key = ("monthly", 1, "first")
    retired = replace(world.memory.phases[key], retired=True)
    world.memory = replace(world.memory, phases={**world.memory.phases, key: retired})
    assert "Halted" in world.told()
    resume(world, "accept")

    assert world.state("first") == "succeeded"
    assert "Halted" not in world.told()


def test_phase_that_leaves_the_list_keeps_its_halt_until_an_order_lifts_it():
    world = halted(SECOND)
    text = world.manifests[0]
    start, stop = text.index("    - name: first"), text.index("    - {name: rest")
    world.edit(text[start:stop], "")
    world.pass_time(hours=2)
    world.step()

    assert world.told() >= {"Halted", "HaltedElsewhere"}
    assert world.state("rest") == "pending"
    resume(world, "retry")
    assert world.state("rest") == "open"
    assert world.plan().actions == ()
