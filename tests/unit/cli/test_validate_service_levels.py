"""`patchwright validate --catalog` judges the service levels of policies (S24)."""

import json

import pytest

from reconciler.cli.validate import validate_paths
from tests.advisories import an_advisory
from tests.corpora import NOW, document

RECENT = "2025-09-30T00:00:00Z"


@pytest.fixture
def judge(tmp_path, capsys):
    """Give the fields and messages of what misses a service level."""
    record = an_advisory(
        update_id="ALSA-1", summary="Important: app security update", published=RECENT
    )
    (tmp_path / "record.json").write_text(json.dumps(record), encoding="utf-8")

    def run(phases, *, sla="{important: 7d}", group="updates: [ALSA-1]", scope="{}", catalog=True):
        documents = [
            document("Collection", "lab", "{computers: [a]}"),
            document("Collection", "web", "{computers: [b]}"),
            document("UpdateGroup", "g", f"{{type: standalone, {group}}}"),
            document("Authorization", "a", "{group: g}"),
            document("Rollout", "r", f"{{authorization: a, phases: [{phases}]}}"),
            document("Policy", "p", f"{{sla: {sla}, appliesTo: {scope}}}"),
        ]
        path = tmp_path / "manifest.yaml"
        path.write_text("---\n".join(documents), encoding="utf-8")
        at_hand = tmp_path / "record.json" if catalog else None
        validate_paths([path], now=NOW, catalog=at_hand)
        lines = capsys.readouterr().out.splitlines()
        missed = [line for line in lines if "[PW1127]" in line]
        assert ("service levels" in "".join(lines)) == (not catalog)
        assert not [line for line in lines if "error" in line and line not in {*missed, lines[-1]}]
        return [line.partition("error: ")[2].removesuffix(" [PW1127]") for line in missed]

    return run


def two(first, second):
    return f"{{name: one, collection: lab, {first}}}, {{name: two, collection: web, {second}}}"


def test_rollout_that_can_meet_the_level_is_no_problem(judge):
    assert judge(two("deadline: 1d, gate: {soak: 1d}", "deadline: 6d")) == []


def test_soaks_and_deadline_are_summed_from_the_release_on(judge):
    (told,) = judge(two("deadline: 1d, gate: {soak: 2d}", "deadline: 6d"))

    assert told == (
        'phase "two" cannot meet policy "p": its deadline is 8d after the release of important'
        " update 'ALSA-1' at best, and 1w is asked for"
    )


def test_phase_without_deadline_meets_no_level(judge):
    (told,) = judge(two("deadline: 1d, gate: {}", "grace: 1d"))

    assert told.startswith('phase "two" cannot meet policy "p": it has no deadline')


@pytest.mark.parametrize(
    ("group", "count"),
    [
        pytest.param("query: {product: [app], minAge: 3d}", 0, id="not-old-enough-yet"),
        pytest.param("query: {product: [app], minAge: 12h}", 1, id="queried"),
        pytest.param("query: {product: [app], minAge: 12h}, updates: [ALSA-1]", 0, id="named-too"),
    ],
)
def test_age_that_a_query_waits_for_counts(judge, group, count):
    assert len(judge("{name: one, collection: lab, deadline: 7d}", group=group)) == count


@pytest.mark.parametrize(
    ("deadline", "missed"),
    [
        ("2025-10-07T00:00:00Z", False),
        ("2025-10-07T00:00:01Z", True),
    ],
)
def test_instant_is_held_against_the_release(judge, deadline, missed):
    assert bool(judge(f"{{name: one, collection: lab, deadline: {deadline}}}")) == missed


def test_instant_for_an_update_that_was_due_already_is_no_fault(judge):
    phase = "{name: one, collection: lab, deadline: 2025-12-01T00:00:00Z}"

    assert judge(phase, sla="{important: 1h}") == []


def test_opening_at_an_instant_begins_the_sum_anew(judge):
    second = "opens: {at: 2025-10-02T00:00:00Z}, deadline: 6d"

    assert judge(two("deadline: 1d, gate: {soak: 2d}", second)) == []


@pytest.mark.parametrize(
    ("sla", "scope", "count"),
    [
        pytest.param("{critical: 1d}", "{}", 0, id="other-severity"),
        pytest.param("{important: 1d}", "{severities: [critical]}", 0, id="not-in-scope"),
        pytest.param("{important: 1d}", "{severities: [important]}", 2, id="in-scope"),
        pytest.param("{important: 1d}", "{collections: [web]}", 1, id="one-collection"),
    ],
)
def test_only_what_the_policy_is_about_is_judged(judge, sla, scope, count):
    phases = two("deadline: 7d, gate: {}", "deadline: 7d")

    assert len(judge(phases, sla=sla, scope=scope)) == count


def test_without_a_catalog_levels_are_not_checked(judge):
    assert judge("{name: one, collection: lab}", catalog=False) == []
