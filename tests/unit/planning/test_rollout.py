"""The life of a release, step by step (S12 to S16)."""

import pytest

from reconciler.model.updates import UpdateState
from reconciler.planning.actions import Verb
from tests.worlds import BASICS, PlannerWorld, an_update

MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED


@pytest.fixture
def world():
    """Two reference computers and three others, all missing one published update."""
    made = PlannerWorld()
    for name in ("ref-1", "ref-2"):
        made.enrol(name, ring="reference")
    for name in ("web-1", "web-2", "web-3"):
        made.enrol(name)
    made.publish(an_update("app"))
    made.scan(app=MISSING)
    return made


def verbs(plan):
    return [action.verb for action in plan.actions]


def kinds_of(plan):
    return {condition.type.value for condition in plan.conditions}


def pass_first_phase(world):
    """Bring release 1 to the point where its second phase opens."""
    world.step()
    world.pass_time(minutes=1)
    world.install("ref-1", "ref-2")
    world.step()
    world.pass_time(hours=1)
    world.scan("ref-1", "ref-2")
    world.step()


def test_first_plan_cuts_opens_and_offers(world):
    plan = world.step()

    assert verbs(plan) == [
        Verb.CUT_RELEASE,
        Verb.OPEN_PHASE,
        Verb.SET_TARGETS,
        Verb.ACCEPT_MEMBERS,
        Verb.ACCEPT_MEMBERS,
        Verb.CREATE_PACKAGE,
        Verb.ASSIGN_CONTENT,
        Verb.CREATE_PROGRAM,
        Verb.CREATE_ADVERTISEMENT,
    ]
    assert world.targets("first") == {"ref-1", "ref-2"}


def test_plan_after_apply_is_empty(world):
    world.step()

    assert world.plan().actions == ()


def test_ids_begin_with_the_site_code_and_rise(world):
    world.step()

    (package,) = world.memory.packages.values()
    (offer,) = world.offers()
    assert (package.id, offer.id) == ("PWR00001", "PWR00002")


def test_action_names_manifest_line_commit_and_rule(world):
    action = next(one for one in world.plan().actions if one.verb is Verb.OPEN_PHASE)

    assert (action.cause.rule, action.cause.commit) == ("S13", "c" * 40)
    assert str(action.cause.at).startswith("m0.yaml:")
    assert action.cause.at.line > 1


def test_nothing_to_offer_without_updates():
    world = PlannerWorld()

    world.step()
    plan = world.plan()

    assert plan.actions == ()
    assert "NothingToOffer" in kinds_of(plan)


def test_gate_waits_for_evidence_after_the_opening(world):
    world.scan(app=INSTALLED)
    world.step()
    world.pass_time(minutes=5)

    world.step()

    assert world.state("first") == "open"
    assert world.memory.phases["monthly", 1, "first"].soak_since is None


def test_gate_soaks_before_it_passes(world):
    world.step()
    world.pass_time(minutes=1)
    world.install("ref-1", "ref-2")
    world.step()
    assert world.memory.phases["monthly", 1, "first"].soak_since == world.now
    world.pass_time(minutes=59)
    world.scan("ref-1", "ref-2")
    world.step()

    assert world.state("first") == "open"


def test_gate_passes_at_exactly_the_end_of_the_soak(world):
    pass_first_phase(world)

    assert world.state("first") == "succeeded"
    assert world.state("rest") == "open"
    assert world.targets("rest") == {"web-1", "web-2", "web-3"}


def test_soak_begins_again_when_the_ratio_falls(world):
    world.step()
    world.pass_time(minutes=1)
    world.install("ref-1", "ref-2")
    world.step()
    world.pass_time(minutes=30)
    world.scan("ref-1", app=MISSING)

    plan = world.step()

    assert Verb.RESET_SOAK in verbs(plan)
    assert world.memory.phases["monthly", 1, "first"].soak_since is None


def test_soak_needs_contact_after_its_start(world):
    world.step()
    world.pass_time(minutes=1)
    world.install("ref-1", "ref-2")
    world.pass_time(minutes=1)
    world.step()
    world.pass_time(hours=2)

    world.step()

    assert world.state("first") == "open"


def test_stale_reads_stop_the_soak_and_retire_nothing(world):
    world.step()
    world.pass_time(minutes=1)
    world.install("ref-1", "ref-2")
    world.step()
    world.manifests = [BASICS[: BASICS.index("apiVersion", BASICS.index("kind: Authorization"))]]
    world.fresh = False

    plan = world.plan()

    assert not [verb for verb in verbs(plan) if verb.startswith(("Retire", "Forget"))]


def test_accepted_release_replaces_no_older_one_on_stale_reads(world):
    pass_first_phase(world)
    world.publish(an_update("lib"))
    world.scan(lib=MISSING)
    world.pass_time(hours=2)
    world.step()
    assert world.state("first", release=2) == "open"
    accept = "{token: '1', how: accept, reason: r, by: b, release: 2, phase: first}"
    world.edit("  releases: {every: 1h}", f"  resume: {accept}\n  releases: {{every: 1h}}")
    world.fresh = False
    world.step()
    assert world.state("first", release=2) == "succeeded"
    assert not world.record("first").retired

    world.fresh = True
    world.step()
    assert world.record("first").retired


def test_next_release_holds_the_whole_set_with_what_was_published_since(world):
    pass_first_phase(world)
    world.publish(an_update("lib"))
    world.scan(lib=MISSING)

    world.step()

    (held,) = world.memory.releases["monthly", 1].offered()
    assert "app" in held.id
    assert [update.id for update in world.memory.releases["monthly", 2].offered()] == [
        "deb:Lab/security/app/1.1",
        "deb:Lab/security/lib/1.1",
    ]


def test_next_release_waits_until_the_first_phase_is_settled(world):
    world.step()
    world.pass_time(hours=2)
    world.publish(an_update("lib"))
    world.scan(lib=MISSING)

    plan = world.step()

    assert ("monthly", 2) not in world.memory.releases
    assert "ReleaseWaiting" in kinds_of(plan)


def test_release_that_opened_nowhere_takes_additions_in(world):
    opens = "opens: {notBefore: 2026-03-03T00:00:00Z}"
    world.manifests = [BASICS.replace("deadline: 1d", f"{opens}\n      deadline: 1d")]
    world.step()
    world.publish(an_update("lib"))
    world.step()

    assert len(world.memory.releases["monthly", 1].offered()) == 2
    assert [key[1] for key in world.memory.packages] == [2]


def test_excepted_update_leaves_all_releases_for_good(world):
    world.publish(an_update("lib"))
    world.scan(lib=MISSING)
    world.step()
    world.manifests = [
        BASICS.replace("{group: rollup}", '{group: rollup, except: ["deb:Lab/security/lib/1.1"]}')
    ]

    world.step()

    assert world.memory.releases["monthly", 1].removed == ("deb:Lab/security/lib/1.1",)
    assert world.offers()[0].updates == ("deb:Lab/security/app/1.1",)


def test_emptied_release_retires_with_its_objects_in_order(world):
    world.step()
    world.manifests = [
        BASICS.replace("{group: rollup}", '{group: rollup, except: ["deb:Lab/security/app/1.1"]}')
    ]

    plan = world.step()

    assert verbs(plan) == [
        Verb.RETIRE_ADVERTISEMENT,
        Verb.RETIRE_PROGRAM,
        Verb.UNASSIGN_CONTENT,
        Verb.RETIRE_PACKAGE,
        Verb.RETIRE_RELEASE,
    ]


def test_rollout_that_left_git_leaves_nothing(world):
    world.step()
    cut = BASICS[: BASICS.rindex("---\n")]
    world.manifests = [cut]
    world.allow_prune()

    world.step()

    assert not world.memory.advertisements
    assert not world.memory.packages
    assert not world.memory.phases
    assert world.plan().actions == ()


def test_failures_halt_and_hold_every_offer_of_the_release(world):
    world.step()
    world.pass_time(minutes=1)
    world.fail("ref-1")

    world.step()

    assert world.state("first") == "halted"
    assert [offer.held for offer in world.offers()] == [True]
    assert world.plan().actions == ()


def test_halt_blocks_what_was_missing_on_the_failed(world):
    world.publish(an_update("lib"))
    world.scan(lib=INSTALLED)
    world.step()
    world.pass_time(minutes=1)
    world.fail("ref-1")
    world.step()

    assert world.memory.phases["monthly", 1, "first"].blocked == ("deb:Lab/security/app/1.1",)


def test_excepting_the_bad_update_lifts_the_halt(world):
    world.publish(an_update("lib"))
    world.scan(lib=MISSING)
    world.step()
    world.pass_time(minutes=1)
    world.scan("ref-1", lib=INSTALLED)
    world.fail("ref-1")
    world.step()
    world.manifests = [
        BASICS.replace("{group: rollup}", '{group: rollup, except: ["deb:Lab/security/app/1.1"]}')
    ]

    world.step()

    assert world.state("first") == "open"
    assert [offer.held for offer in world.offers()] == [False]
    assert world.plan().actions == ()


@pytest.mark.parametrize(
    ("how", "state"),
    [("retry", "open"), ("accept", "succeeded"), ("skip", "succeeded")],
)
def test_resume_acts_once_on_a_halted_phase(world, how, state):
    world.step()
    world.pass_time(minutes=1)
    world.fail("ref-1")
    world.step()
    world.pass_time(minutes=1)
    more = ", release: 1, phase: first" if how != "retry" else ""
    resume = f"  resume: {{token: t1, how: {how}, reason: seen, by: ines{more}}}\n"
    world.manifests = [
        BASICS.replace("  releases: {every: 1h}\n", "  releases: {every: 1h}\n" + resume)
    ]

    world.step()

    assert world.state("first") == state
    assert ("monthly", "t1") in world.memory.tokens
    assert Verb.SEE_TOKEN not in verbs(world.step())


def test_skipped_phase_is_no_longer_offered(world):
    world.step()
    world.pass_time(minutes=1)
    resume = "  resume: {token: t1, how: skip, reason: seen, by: ines, release: 1, phase: first}\n"
    world.manifests = [
        BASICS.replace("  releases: {every: 1h}\n", "  releases: {every: 1h}\n" + resume)
    ]

    world.step()

    assert [offer.phase for offer in world.offers()] == ["rest"]


def test_suspension_holds_offers_and_opens_nothing(world):
    world.step()
    suspend = "  suspend: {reason: fire, by: ines}\n"
    world.manifests = [
        BASICS.replace("  releases: {every: 1h}\n", "  releases: {every: 1h}\n" + suspend)
    ]

    plan = world.step()

    assert [offer.held for offer in world.offers()] == [True]
    assert "Suspended" in kinds_of(plan)


def test_late_computer_joins_its_phase(world):
    pass_first_phase(world)
    world.enrol("web-4")

    world.step()

    assert "web-4" in world.targets("rest")
    assert world.plan().actions == ()


def test_regressed_phase_holds_the_next_one(world):
    world.manifests = [
        BASICS.replace(
            "collection: everybody, deadline: 2d",
            "collection: everybody, deadline: 2d, opens: {notBefore: 2026-03-02T20:00:00Z}",
        )
    ]
    pass_first_phase(world)
    world.scan("ref-1", app=MISSING)
    world.pass_time(hours=12)
    world.scan("ref-1", "ref-2")

    plan = world.step()

    assert world.state("rest") == "pending"
    assert "Regressed" in kinds_of(plan)


def test_newer_release_replaces_the_older_where_it_succeeded(world):
    pass_first_phase(world)
    world.install("web-1", "web-2", "web-3")
    world.step()
    assert world.state("rest") == "succeeded"
    newer = an_update("app", "1.2", supersedes=("deb:Lab/security/app/1.1",))
    world.publish(newer)
    world.scan(app=MISSING)
    world.step()
    world.pass_time(minutes=1)
    world.install(release=2)
    world.step()
    world.pass_time(hours=1)
    world.scan()
    world.step()
    world.pass_time(minutes=1)
    world.install(release=2)
    world.step()

    assert world.memory.releases["monthly", 1].retired
    assert {offer.release for offer in world.offers()} == {2}


def test_converged_when_all_comply(world):
    pass_first_phase(world)
    world.pass_time(minutes=1)
    world.install()
    world.step()

    assert world.plan().converged
