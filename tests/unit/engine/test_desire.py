"""Which commit is in force (S28, S29)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.engine.desire import Desire, Followed, Watch, judge, renew
from reconciler.model.errors import SourceError
from reconciler.model.problems import Location, Problem
from reconciler.ports import Checkout
from tests.worlds import BASICS, NOW, SITE

LATER = NOW + timedelta(minutes=1)
BROKEN = BASICS.replace("group: rollup", "group: nobody")
NOT_YET = BASICS.replace("{code: PWR, mode: enforce}", "{code: PWR, parent: main2}") + (
    "---\napiVersion: patchwright.dev/v1alpha1\nkind: Site\nmetadata: {name: main2}\n"
    "spec: {code: PWX}\n"
)
EDITED = BASICS.replace("{every: 1h}", "{every: 2h}")
LATER_KIND = BASICS + (
    "---\napiVersion: patchwright.dev/v1alpha1\nkind: Subscription\nmetadata: {name: b}\n"
    "spec: {events: [Halted], audience: owners, to: [{email: a@b.example}]}\n"
)


def followed(source):
    """Follow a source once an hour."""
    return Followed(source, SITE, timedelta(hours=1))


class Source:
    """Gives these texts one after the other; an error where there is none."""

    def __init__(self, *texts):
        self.texts = list(texts)

    def fetch(self, _applied=""):
        text = self.texts.pop(0)
        if text is None:
            raise SourceError("git is unreachable")
        return a_checkout(text)


class FixedClock:
    def now(self):
        return NOW


def a_checkout(text):
    return Checkout(f"{hash(text):x}", NOW, {"m.yaml": text.encode()})


def renewed(*texts):
    desire, source = Desire(), Source(*texts)
    for number, _ in enumerate(texts):
        desire = renew(desire, followed(source), NOW + timedelta(minutes=number))
    return desire


def test_valid_commit_takes_force():
    desire = renewed(BASICS)

    assert desire.in_force is not None
    assert desire.in_force.commit == desire.attempted == a_checkout(BASICS).commit
    assert (desire.read_at, desire.failure) == (NOW, "")


@pytest.mark.parametrize("text", [BROKEN, NOT_YET, LATER_KIND, "", "a: [", "kind: Nothing"])
def test_refused_commit_leaves_the_last_valid_one_in_force(text):
    desire = renewed(BASICS, text)

    assert desire.in_force is not None
    assert desire.in_force.commit == a_checkout(BASICS).commit
    assert desire.attempted == a_checkout(text).commit
    assert desire.problems


@pytest.mark.parametrize("text", [NOT_YET, LATER_KIND])
def test_what_is_not_carried_out_yet_is_refused_though_it_is_no_error(text):
    desired, problems = judge(a_checkout(text), SITE, NOW)

    assert desired is None
    assert not [problem for problem in problems if problem.is_error]


def test_warning_refuses_nothing():
    ended = BASICS.replace("{group: rollup}", "{group: rollup, until: 2026-01-01T00:00:00Z}")
    desired, problems = judge(a_checkout(ended), SITE, NOW)

    assert desired is not None
    assert [problem.code for problem in problems] == ["PW1091"]


def test_failed_read_changes_nothing_but_the_failure():
    desire = renewed(BASICS, None)

    assert desire == replace(renewed(BASICS), failure="git is unreachable")


def test_failed_first_read_leaves_nothing_in_force():
    assert renewed(None) == Desire(failure="git is unreachable")


def test_read_that_works_again_clears_the_failure():
    desire = renewed(BASICS, None, BASICS)

    assert (desire.failure, desire.read_at) == ("", NOW + timedelta(minutes=2))


def test_refused_commit_is_not_judged_again_and_its_problems_stay():
    desire = renewed(BASICS, BROKEN, BROKEN)

    assert desire.problems == renewed(BASICS, BROKEN).problems
    assert desire.read_at == NOW + timedelta(minutes=2)


def test_mended_commit_takes_force():
    assert renewed(BROKEN, BASICS).problems == ()


class Governor:
    """Finds a policy failed so many times, and remembers what it was asked."""

    def __init__(self, times, code="PW1125"):
        self.left = times
        self.code = code
        self.asked = []

    def __call__(self, attempt, _now):
        self.asked.append((attempt.desired.commit, attempt.in_force and attempt.in_force.commit))
        self.left -= 1
        return [Problem(Location("m.yaml", 1), self.code, "no")] if self.left >= 0 else []


def governed(governor, *texts, before=None):
    desire, source = before or Desire(), Source(*texts)
    for _ in texts:
        desire = renew(desire, replace(followed(source), govern=governor), NOW)
    return desire


def test_commit_that_fails_a_policy_on_the_fleet_is_refused():
    desire = governed(Governor(1), EDITED, before=renewed(BASICS))

    assert desire.in_force.commit == a_checkout(BASICS).commit
    assert desire.attempted == a_checkout(EDITED).commit
    assert [problem.code for problem in desire.problems] == ["PW1125"]


def test_what_the_fleet_refused_is_tried_again_at_every_read():
    governor = Governor(2)
    desire = governed(governor, EDITED, EDITED, EDITED, EDITED, before=renewed(BASICS))

    assert desire.in_force.commit == a_checkout(EDITED).commit
    assert desire.problems == ()
    both = (a_checkout(EDITED).commit, a_checkout(BASICS).commit)
    assert governor.asked == [both] * 3


def test_what_only_a_commit_can_mend_is_not_tried_again():
    governor = Governor(9, code="PW1126")
    governed(governor, EDITED, EDITED, before=renewed(BASICS))

    assert len(governor.asked) == 1


def test_commit_in_force_is_not_refused_for_what_became_of_the_fleet():
    governor = Governor(9)
    recalled = Desire(in_force=renewed(BASICS).in_force)
    desire = governed(governor, BASICS, before=recalled)

    assert desire.problems == ()
    assert governor.asked == []


def test_watch_wakes_only_when_something_changed():
    woken = []
    source = Source(BASICS, BASICS, None, None)
    watch = Watch(followed(source), FixedClock(), lambda: woken.append(1), Desire())
    seen = []
    for _ in range(4):
        watch.read_once()
        seen.append(len(woken))

    assert seen == [1, 1, 2, 2]


def test_watch_reads_until_it_is_stopped():
    source = Source(BASICS)

    def wake():
        watch.stop()

    watch = Watch(followed(source), FixedClock(), wake, Desire())
    watch.run()

    assert watch.desire.in_force is not None


def test_poke_reads_at_once():
    source, woken = Source(BASICS, BROKEN), []

    def wake():
        woken.append(1)
        (watch.poke if len(woken) == 1 else watch.stop)()

    watch = Watch(followed(source), FixedClock(), wake, Desire())
    watch.run()

    assert len(woken) == 2
