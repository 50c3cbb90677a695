"""What a change does beyond what is in force without it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.canonical import canonical_json
from reconciler.model.computers import Computer
from reconciler.model.updates import UpdateSeverity, UpdateState
from reconciler.planning.plan import decide
from reconciler.planning.review.as_json import review_digest, review_json
from reconciler.planning.review.form import Fate, Review
from reconciler.planning.review.make import make_review
from tests.worlds import BASICS, SITE, PlannerWorld, an_update, load_desired


def without_rollout(manifests: str) -> str:
    """Give the manifests without their last document, which is the rollout."""
    return manifests.rpartition("---\n")[0]


WITHOUT_ROLLOUT = without_rollout(BASICS)
MISSING, INSTALLED = UpdateState.MISSING, UpdateState.INSTALLED
WINDOWED = BASICS.replace(
    "maintenanceWindows: always",
    "maintenanceWindows: "
    '[{name: sat, recurrence: "FREQ=WEEKLY;BYDAY=SA", start: "22:00", duration: 4h}]',
)


def a_world() -> PlannerWorld:
    """Six computers, two of them reference, that miss two updates; one of those is a kernel's."""
    world = PlannerWorld()
    for number in range(6):
        world.enrol(
            f"c{number}",
            ring="reference" if number < 2 else "other",
            timezone="Asia/Tokyo" if number % 2 else "Europe/Rome",
        )
    world.publish(
        an_update("openssl", severity=UpdateSeverity.CRITICAL, cves=("CVE-2026-1",)),
        an_update("linux"),
    )
    world.scan(openssl=MISSING, linux=MISSING)
    return world


def review(world: PlannerWorld, before: str, after: str, *, commit: str = "d" * 40) -> Review:
    """Review a change of the world's manifests."""
    base, head = (
        decide(load_desired(text, commit=one), world.observed(), SITE, world.now)
        for text, one in ((before, world.commit), (after, commit))
    )
    return make_review(base, head)


def settled() -> PlannerWorld:
    """A world in which everything is done: both phases succeeded and everybody complies."""
    world = a_world()
    for _ in range(4):
        world.step()
        world.capture()
        world.install()
        world.pass_time(hours=2)
        world.contact(*world.computers)
    assert not world.plan().actions
    return world


def test_change_that_says_nothing_new_has_an_empty_review():
    found = review(settled(), BASICS, BASICS.replace("soak: 1h", "soak:   1h"))

    parts = ("documents", "retirements", "stages", "updates", "content", "collections")
    assert not any(getattr(found, part) for part in parts)
    assert found.totals.newly_targeted == found.totals.installs == 0


def test_new_rollout_targets_every_phase_newly():
    found = review(a_world(), WITHOUT_ROLLOUT, BASICS)

    counts = [(one.phase, one.newly, one.no_longer, one.installs) for one in found.stages]
    assert counts == [("first", 2, 0, 2), ("rest", 4, 0, 4)]
    assert found.stages[0].newly_named == ("c0", "c1")
    assert found.totals.newly_targeted == found.totals.installs == 6


def test_computers_that_move_between_phases_are_told_in_both():
    world = settled()
    found = review(world, BASICS, BASICS.replace("values: [reference]", "values: [other]"))

    moves = {one.phase: (one.newly, one.no_longer) for one in found.stages}
    assert moves == {"first": (4, 2), "rest": (2, 4)}
    assert (found.totals.newly_targeted, found.totals.no_longer_targeted) == (0, 0)
    assert [(one.name, one.joined, one.left) for one in found.collections] == [("reference", 4, 2)]


def test_deleted_rollout_retires_its_advertisements_and_names_how_many_had_them():
    world = settled()
    found = review(world, BASICS, WITHOUT_ROLLOUT)

    # All that there was is missing: the guard withholds it, and that is what the review says.
    assert not found.retirements
    assert [one.type.value for one in found.conditions] == ["PruneBlocked"]


def test_removed_phase_retires_its_advertisement():
    world = settled()
    shorter = BASICS[: BASICS.index("    - {name: rest")]
    found = review(world, BASICS, shorter)

    retired = [(one.verb, one.computers) for one in found.retirements]
    assert ("RetireAdvertisement", 4) in retired
    gone = next(one for one in found.stages if one.phase == "rest")
    assert (gone.fate, gone.no_longer, gone.target) == (Fate.REMOVED, 4, 0)


def test_updates_are_told_worst_first_with_what_a_reviewer_asks():
    found = review(a_world(), WITHOUT_ROLLOUT, BASICS)

    openssl, linux = found.updates
    assert (openssl.product, openssl.severity) == ("openssl", UpdateSeverity.CRITICAL)
    assert openssl.cves == ("CVE-2026-1",)
    assert (openssl.needed, openssl.irreversible, openssl.needs_restart) == (6, True, False)
    assert linux.needs_restart


def test_update_that_can_be_removed_is_not_irreversible():
    world = a_world()
    world.publish(an_update("tool", removable=True))
    found = review(world, WITHOUT_ROLLOUT, BASICS)

    assert {one.product: one.irreversible for one in found.updates}["tool"] is False


def test_computers_that_no_scan_tells_about_are_counted_as_unknown():
    world = a_world()
    world.publish(an_update("curl"))
    world.scan("c0", curl=MISSING)
    found = review(world, WITHOUT_ROLLOUT, BASICS)

    assert [(one.installs, one.unknown) for one in found.stages] == [(1, 1), (0, 4)]


def test_excepted_update_is_told_as_removed():
    world = a_world()
    world.step()
    excepted = "spec: {group: rollup, except: ['deb:Lab/security/linux/1.1']}"
    found = review(world, BASICS, BASICS.replace("spec: {group: rollup}", excepted))

    assert [(one.fate, one.product) for one in found.updates] == [(Fate.REMOVED, "linux")]


def test_restarts_follow_the_rule_of_the_computers_class():
    world = a_world()
    world.change("c4", "c5", facts={"class": "workstation"})
    found = review(world, WITHOUT_ROLLOUT, BASICS)

    assert (found.totals.restarts, found.totals.restarts_suppressed) == (2, 4)


def test_authorization_that_begins_later_is_shown_as_waiting():
    later = BASICS.replace(
        "spec: {group: rollup}", "spec: {group: rollup, from: 2026-04-01T00:00:00Z}"
    )
    found = review(a_world(), WITHOUT_ROLLOUT, later)

    assert [(one.phase, one.newly, one.is_cut) for one in found.stages] == [
        ("first", 2, False),
        ("rest", 4, False),
    ]
    assert {one.after.state for one in found.stages if one.after} == {"waiting"}


def test_suspension_shows_that_the_offer_is_held():
    suspended = BASICS.replace(
        "  authorization: monthly\n", "  authorization: monthly\n  suspend: {reason: no, by: me}\n"
    )
    found = review(settled(), BASICS, suspended)

    held = [(one.before.held, one.after.held) for one in found.stages if one.before and one.after]
    assert held == [(False, True)] * 2
    assert "Suspended" in {one.type.value for one in found.conditions}


def test_rename_moves_nobody():
    renamed = WITHOUT_ROLLOUT + BASICS.removeprefix(WITHOUT_ROLLOUT).replace(
        "metadata: {name: monthly}",
        "metadata: {name: every-month, annotations: {patchwright.dev/renamed-from: monthly}}",
    )
    found = review(settled(), BASICS, renamed)

    assert not found.stages
    assert [(one.fate.value, one.name) for one in found.documents] == [
        ("added", "every-month"),
        ("removed", "monthly"),
    ]


def test_deadlines_are_told_in_each_zone():
    found = review(a_world(), WITHOUT_ROLLOUT, BASICS)

    first, rest = found.deadlines
    assert [(one.zone, one.local) for one in first.zones] == [
        ("Asia/Tokyo", "Tue 2026-03-03 18:00"),
        ("Europe/Rome", "Tue 2026-03-03 10:00"),
    ]
    assert rest.after_opening == timedelta(days=2)
    assert [one.due_at for one in rest.zones] == [None, None]


def test_open_phase_names_those_whom_no_window_serves_before_the_deadline():
    found = review(a_world(), without_rollout(WINDOWED), WINDOWED)

    # It is Monday: the first phase has one day, the window opens on Saturday.
    never = [one for one in found.unserved if one.phase == "first"]
    assert sum(one.computers for one in never) == 2
    assert all(one.never for one in never)
    # Whether the second is served depends on the day on which it opens.
    assert {one.never for one in found.unserved if one.phase == "rest"} == {False}


def test_frozen_window_serves_nobody():
    longer = WINDOWED.replace("deadline: 1d", "deadline: 7d")
    freeze = """---
apiVersion: patchwright.dev/v1alpha1
kind: Freeze
metadata: {name: year-end}
spec: {from: 2026-03-06T00:00:00Z, until: 2026-03-08T12:00:00Z, collections: [reference], reason: x}
"""
    open_to_all = review(a_world(), without_rollout(longer), longer)
    frozen = review(a_world(), without_rollout(longer), longer + freeze)

    assert not [one for one in open_to_all.unserved if one.phase == "first"]
    assert sum(one.computers for one in frozen.unserved if one.phase == "first") == 2


def test_content_counts_bytes_that_the_point_does_not_hold():
    world = settled()
    package = replace(an_update("curl").packages[0], size=5_000, sha256="c" * 64)
    world.publish(an_update("curl", packages=(package,), classification="bugfix"))
    world.scan(curl=MISSING)
    wider = BASICS.replace("classification: [security]", "classification: [security, bugfix]")
    found = review(world, BASICS, wider)

    (content,) = found.content
    assert (content.point, content.version, content.files) == ("main", 2, 2)
    assert (content.size, content.fetched) == (5_001, 5_000)


def test_other_windows_are_counted():
    found = review(settled(), BASICS, WINDOWED)

    assert found.totals.other_windows == 6


def test_digest_outlives_other_commits_and_instants():
    world = a_world()
    first = review(world, WITHOUT_ROLLOUT, BASICS, commit="d" * 40)
    world.pass_time(hours=5)
    later = review(world, WITHOUT_ROLLOUT, f"# moved\n{BASICS}", commit="e" * 40)

    assert first.now != later.now
    assert review_digest(first) == review_digest(later)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("deadline: 2d", "deadline: 3d"),
        ("soak: 1h", "soak: 2h"),
        ("values: [reference]", "values: [other]"),
        ("classification: [security]", "classification: [security], product: [linux]"),
    ],
)
def test_digest_tells_other_changes_apart(old, new):
    world = a_world()
    nothing = "\n".join(BASICS.split("\n")[:5])
    digests = {
        review_digest(review(world, nothing, text)) for text in (BASICS, BASICS.replace(old, new))
    }

    assert len(digests) == 2


def test_equal_reviews_are_equal_bytes_whatever_the_order_of_computers():
    world, other = a_world(), a_world()
    other.computers = dict(reversed(other.computers.items()))
    assert isinstance(next(iter(other.computers.values())), Computer)

    texts = {
        canonical_json(review_json(review(one, WITHOUT_ROLLOUT, BASICS))) for one in (world, other)
    }
    assert len(texts) == 1


def test_counts_are_what_the_first_pass_then_does():
    """What is promised before the merge is what the plan after it sets."""
    world = a_world()
    world.manifests = [WITHOUT_ROLLOUT]
    world.step()
    found = review(world, WITHOUT_ROLLOUT, BASICS)
    world.manifests = [BASICS]
    world.step()

    opened = {one.phase: one for one in found.stages if one.after and one.after.state == "open"}
    assert {name: len(world.targets(name)) for name in opened} == {
        name: one.newly for name, one in opened.items()
    }
    assert [one.version for one in found.content] == [
        one.version for one in world.memory.assignments.values()
    ]
