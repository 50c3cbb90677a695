"""How far a change is from what was reviewed (S24)."""

from fractions import Fraction
from textwrap import indent

import pytest

from reconciler.model.canonical import digest_of
from reconciler.model.reviewed import ReviewedPlan, find_reviewed, write_reviewed
from reconciler.planning.review.binding import Leeway, unlike

TENTH = Leeway(Fraction(1, 10))


def a_phase(target=100, newly=100, gone=0, installs=50, name="all"):
    return {
        "rollout": "web", "release": 1, "phase": name, "target": target,
        "newly": newly, "noLonger": gone, "installs": installs,
    }  # fmt: skip


def a_review(*phases, added=(("web", "u1"),), removed=(), documents=None, retirements=()):
    return {
        "form": "patchwright.dev/review/v1",
        "documents": documents or [["added", "Rollout", "web", "d1"]],
        "retirements": [list(one) for one in retirements],
        "computers": {
            "installs": 1, "newlyTargeted": 1, "noLongerTargeted": 0, "phases": list(phases),
        },
        "updates": {"added": [list(one) for one in added], "removed": [list(o) for o in removed]},
    }  # fmt: skip


def reviewed(*values):
    return [ReviewedPlan(digest_of(one), one, step) for step, one in enumerate(values)]


BEFORE = a_review(a_phase())


def test_equal_reviews_need_no_leeway():
    assert unlike(reviewed(BEFORE), a_review(a_phase()), Leeway()) == ()


@pytest.mark.parametrize(
    ("phase", "told"),
    [
        (a_phase(target=110, newly=110), ()),
        (a_phase(target=90, newly=90), ()),
        (a_phase(installs=60), ()),
        (a_phase(installs=61), ("web/1/all: 61 computer(s) to install something, 50 reviewed",)),
        (a_phase(gone=11), ("web/1/all: 11 computer(s) no longer targeted, 0 reviewed",)),
        (
            a_phase(target=112, newly=112),
            (
                "web/1/all: 112 computer(s) targeted, 100 reviewed",
                "web/1/all: 112 computer(s) newly targeted, 100 reviewed",
            ),
        ),
    ],
)
def test_numbers_may_differ_by_the_tolerance_of_the_target(phase, told):
    assert unlike(reviewed(BEFORE), a_review(phase), TENTH) == told


def test_without_a_tolerance_one_computer_is_too_many():
    assert unlike(reviewed(BEFORE), a_review(a_phase(installs=51)), Leeway())


def test_phase_that_nobody_reviewed_is_told():
    found = a_review(a_phase(), a_phase(target=1, newly=1, installs=0, name="more"))

    assert "web/1/more: 1 computer(s) targeted, 0 reviewed" in unlike(
        reviewed(BEFORE), found, Leeway(Fraction(1, 2))
    )


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {"documents": [["added", "Rollout", "web", "d2"]]},
            "Rollout web is added to something else than was reviewed",
        ),
        (
            {"documents": [["added", "Rollout", "web", "d1"], ["removed", "Freeze", "x", ""]]},
            "Freeze x is removed, which was not reviewed",
        ),
        (
            {"documents": [["changed", "Site", "main", "d1"]]},
            "Rollout web is as it was, and a change of it was reviewed",
        ),
        (
            {"retirements": [("RetirePackage", "package p version 1")]},
            "RetirePackage package p version 1, which was not reviewed",
        ),
        ({"added": ()}, "update u1 is as it was in web, and reviewed was: added"),
        (
            {"added": (("web", "u1"), ("web", "u2"))},
            "update u2 is added in web, and reviewed was: no change",
        ),
        (
            {"added": (), "removed": (("web", "u1"),)},
            "update u1 is removed in web, and reviewed was: added",
        ),
    ],
)  # fmt: skip
def test_texts_updates_and_retirements_are_exact(changes, told):
    assert told in unlike(reviewed(BEFORE), a_review(a_phase(), **changes), TENTH)


def test_retirement_that_was_reviewed_has_to_happen():
    before = a_review(a_phase(), retirements=[("RetirePackage", "package p version 1")])

    assert unlike(reviewed(before), BEFORE, TENTH) == (
        "no RetirePackage package p version 1, which was reviewed",
    )


def test_updates_may_come_where_the_group_approves_by_itself():
    found = a_review(a_phase(), added=(("web", "u1"), ("web", "u2")))
    gone = a_review(a_phase(), added=())
    leeway = Leeway(open_rollouts={"web"})

    assert unlike(reviewed(BEFORE), found, leeway) == ()
    assert unlike(reviewed(BEFORE), gone, leeway)


def test_nearest_review_is_the_one_that_is_told_of():
    far = a_review(documents=[["added", "Rollout", name, "d"] for name in "abc"])

    assert len(unlike(reviewed(far, BEFORE), a_review(a_phase(installs=99)), TENTH)) == 1


def test_changes_of_several_steps_are_held_against_all_of_them_together():
    one = a_review(a_phase(name="one"), documents=[["added", "Rollout", "one", "d"]])
    two = a_review(a_phase(name="two"), documents=[["added", "Rollout", "two", "d"]])
    both = a_review(
        a_phase(name="one"),
        a_phase(name="two"),
        documents=[["added", "Rollout", "one", "d"], ["added", "Rollout", "two", "d"]],
    )

    assert unlike(reviewed(one, two), both, Leeway()) == ()
    assert unlike(reviewed(one), both, Leeway())


def test_newest_review_of_a_step_counts_together_with_others():
    old = a_review(documents=[["added", "Rollout", "one", "old"]])
    new = a_review(documents=[["added", "Rollout", "one", "new"]])
    other = a_review(documents=[["added", "Rollout", "two", "d"]])
    both = a_review(
        documents=[["added", "Rollout", "one", "new"], ["added", "Rollout", "two", "d"]]
    )
    plans = [
        ReviewedPlan(digest_of(value), value, step)
        for step, value in ((0, new), (0, old), (1, other))
    ]

    assert unlike(plans, both, Leeway()) == ()


@pytest.mark.parametrize(
    "value", [None, [], {"form": "other"}, {**BEFORE, "updates": {"added": 1}}]
)
def test_what_is_no_review_is_held_against_nothing(value):
    (told,) = unlike([ReviewedPlan("a" * 64, value)], BEFORE, TENTH)

    assert "is not carried" in told


class TestMessage:
    LINES = write_reviewed(BEFORE)

    @pytest.mark.parametrize(
        "message",
        [
            LINES,
            f"Title\n\nText.\n\n{LINES}Signed-off-by: x <x@y>\n",
            "Squashed commit of the following:\n\n" + indent(LINES, "    "),
            LINES.replace("\n", "\r\n"),
            f"* {{one}}\n\n{LINES}\n* two\n",
        ],
    )  # fmt: skip
    def test_lines_are_found_wherever_they_stand(self, message):
        (found,) = find_reviewed(message, 3)

        assert found == ReviewedPlan(digest_of(BEFORE), BEFORE, 3)

    def test_long_summary_goes_over_several_lines_that_are_short(self):
        value = {"many": [digest_of(number) for number in range(200)]}
        lines = write_reviewed(value)

        assert max(map(len, lines.splitlines())) <= 130
        assert [one.reviewed for one in find_reviewed(f"T\n\n{lines}")] == [value]

    def test_last_of_several_comes_first(self):
        later = a_review(a_phase(target=7))
        found = find_reviewed(f"{self.LINES}\n{write_reviewed(later)}")

        assert [one.reviewed for one in found] == [later, BEFORE]

    @pytest.mark.parametrize(
        "summary",
        ["", "AAAA", "!", "a"],
    )
    def test_broken_summary_counts_as_none(self, summary):
        digest = self.LINES.partition("\n")[0]

        (found,) = find_reviewed(f"{digest}\nPatchwright-Plan-Summary: {summary}\n")
        assert found.reviewed is None

    def test_summary_of_another_digest_counts_as_none(self):
        other = write_reviewed(a_review(a_phase(target=7))).partition("\n")[2]
        (found,) = find_reviewed(self.LINES.partition("\n")[0] + "\n" + other)

        assert found.reviewed is None

    def test_summary_that_unpacks_to_too_much_counts_as_none(self):
        huge = write_reviewed(["a" * (1 << 23)])

        (found,) = find_reviewed(huge)
        assert found.reviewed is None

    @pytest.mark.parametrize("line", ["Patchwright-Plan: abc", "See Patchwright-Plan: " + "a" * 64])
    def test_other_lines_are_no_trailer(self, line):
        assert list(find_reviewed(line)) == []
