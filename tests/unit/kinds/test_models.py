"""What documents hold inside: exact values, defaults, nothing that changes."""

from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction

import pytest
from pydantic import ValidationError

from reconciler.kinds.catalog_source import CatalogSource
from reconciler.kinds.collection import Collection
from reconciler.kinds.not_yet import not_yet_uses
from reconciler.kinds.phase import Gate, Halt, Opens
from reconciler.kinds.query import AllLeaf, AllOf, FactLeaf, Not, ShardLeaf
from reconciler.kinds.registry import KINDS
from reconciler.kinds.rollout import Rollout
from reconciler.kinds.scan_policy import ScanPolicySpec
from reconciler.kinds.site import Site
from reconciler.kinds.update_group import UpdateGroup
from reconciler.model.updates import UpdateState
from reconciler.source.load import load_manifests
from tests.corpora import document

PHASE = "{name: one, collection: everyone}"


def load(kind: str, spec: str):
    loaded = load_manifests({"a.yaml": document(kind, "a", spec).encode()}, "c")
    assert loaded.problems == ()
    return loaded.documents[0].document


def test_collection_has_the_defaults_of_the_language():
    spec = load("Collection", "{}").spec

    assert (spec.query, spec.limit_to, spec.maintenance_windows) == (None, None, None)
    assert (spec.computers, spec.include, spec.exclude, spec.owners) == ((), (), (), ())
    assert spec.max_change == Fraction(1, 2)


def test_query_is_a_tree_of_values():
    fact = "{fact: a, op: In, values: [1, b, true]}"
    query = f"{{allOf: [{{not: {{all: true}}}}, {{shard: {{of: 20, in: [0, 1]}}}}, {fact}]}}"
    tree = load("Collection", f"{{query: {query}}}").spec.query

    assert isinstance(tree, AllOf)
    assert tree.all_of[0] == Not(not_=AllLeaf(all=True))
    assert isinstance(tree.all_of[1], ShardLeaf)
    assert tree.all_of[1].shard.in_ == (0, 1)
    assert tree.all_of[2] == FactLeaf(fact="a", op="In", values=(1, "b", True))


def test_leaves_of_updates_and_scans_are_typed():
    query = "{anyOf: [{update: u, state: pendingRestart}, {lastScan: {olderThan: 7d}}]}"
    tree = load("Collection", f"{{query: {query}}}").spec.query

    assert tree.any_of[0].state is UpdateState.PENDING_RESTART
    assert tree.any_of[1].last_scan.older_than == timedelta(days=7)


def test_window_holds_exact_times():
    window = (
        '{name: patch, recurrence: "FREQ=WEEKLY;INTERVAL=2", anchor: 2025-09-01, offset: -4d,'
        ' start: "22:00", end: "02:00", timezone: Europe/Rome, for: updates}'
    )
    (found,) = load("Collection", f"{{maintenanceWindows: [{window}]}}").spec.maintenance_windows

    assert (found.anchor, found.offset) == (date(2025, 9, 1), timedelta(days=-4))
    assert (found.start, found.end, found.duration) == (time(22), time(2), None)
    assert found.nominal_length == timedelta(hours=4)
    assert str(found.zone) == "Europe/Rome"
    assert found.serves("updates")
    assert not found.serves("restarts")


def test_window_is_local_and_for_all_by_default():
    window = '{name: w, recurrence: "FREQ=DAILY", start: "22:00", duration: 4h}'
    (found,) = load("Collection", f"{{maintenanceWindows: [{window}]}}").spec.maintenance_windows

    assert (found.zone, found.for_, found.offset) == (None, "all", timedelta(0))


def test_word_always_stands_for_windows():
    assert load("Collection", "{maintenanceWindows: always}").spec.maintenance_windows == "always"


def test_rollout_has_the_defaults_of_the_language():
    spec = load("Rollout", f"{{authorization: s, phases: [{PHASE}]}}").spec

    assert (spec.time_basis, spec.priority) == ("utc", "medium")
    assert (spec.releases.every, spec.recurrence) == (timedelta(days=1), timedelta(days=7))
    assert (spec.budget, spec.hooks, spec.suspend, spec.resume) == (None, None, None, None)


def test_phase_has_the_defaults_of_the_language():
    (phase,) = load("Rollout", f"{{authorization: s, phases: [{PHASE}]}}").spec.phases

    assert phase.opens == Opens()
    assert (phase.deadline, phase.gate, phase.halt) == (None, None, None)
    assert (phase.grace, phase.spread) == (timedelta(0), timedelta(0))


def test_gate_without_fields_has_the_defaults_of_the_language():
    gate = Gate()

    assert (gate.success, gate.max_unreachable) == (Fraction(95, 100), Fraction(1, 5))
    assert (gate.min_reported, gate.soak) == (1, timedelta(0))
    assert (gate.unreachable_after, gate.within) == (None, None)
    assert (gate.pending_restart, gate.allow_empty) == ("wait", False)
    assert Halt(failures=Fraction(1, 10)).min_reported == 1


@pytest.mark.parametrize(
    ("written", "deadline"),
    [
        ("2d", timedelta(days=2)),
        ("0s", timedelta(0)),
        ("2025-09-02T06:00:00+02:00", datetime(2025, 9, 2, 4, tzinfo=UTC)),
    ],
)
def test_deadline_is_a_duration_or_an_instant(written, deadline):
    phase = f"{{name: one, collection: c, deadline: {written}}}"

    assert (
        load("Rollout", f"{{authorization: s, phases: [{phase}]}}").spec.phases[0].deadline
        == deadline
    )


def test_group_runs_for_an_hour_unless_it_says_more():
    spec = load("UpdateGroup", "{type: standalone, updates: [one]}").spec

    assert (spec.max_runtime, spec.superseded) == (timedelta(hours=1), "exclude")


def test_released_takes_dates():
    spec = load("UpdateGroup", "{type: rollup, query: {released: {after: 2025-01-01}}}").spec

    assert spec.query.released.after == datetime(2025, 1, 1, tzinfo=UTC)


def test_scan_policy_has_the_defaults_of_the_language():
    spec = ScanPolicySpec(collection="all")

    assert spec.recurrence.server == timedelta(hours=12)
    assert spec.stale_after.portable == timedelta(days=14)
    assert (spec.first_scan_within, spec.report_every) == (
        timedelta(hours=2),
        timedelta(minutes=15),
    )


def test_new_site_observes():
    spec = load("Site", "{code: BAR}").spec

    assert (spec.mode, spec.windowless, spec.timezone) == ("observe", "never", None)


@pytest.mark.parametrize(
    "location", ["https://deb.example/debian", "/srv/mirror", "file:///srv/mirror"]
)
def test_source_takes_urls_and_paths(location):
    spec = load("CatalogSource", f"{{type: apt, location: {location}, suites: [bookworm]}}").spec

    assert spec.location == location


@pytest.mark.parametrize("model", KINDS.values(), ids=KINDS)
def test_document_keeps_what_it_was_given(model):
    with pytest.raises(ValidationError, match="frozen"):
        model.model_construct(kind="x").kind = "y"


def test_document_comes_back_from_its_own_json():
    phase = (
        "{name: one, collection: c, deadline: 2d, gate: {success: 99.5%}, halt: {failures: 10%}}"
    )
    made = load("Rollout", f"{{authorization: s, phases: [{phase}]}}")
    assert isinstance(made, Rollout)
    written = made.model_dump(by_alias=True, mode="json", exclude_unset=True)

    assert Rollout.model_validate(written, by_alias=True, by_name=False) == made


@pytest.mark.parametrize(
    ("model", "spec"),
    [
        (Site, {"code": "BAR", "administrators": [], "subnets": []}),
        (Collection, {"maxChange": "100%"}),
        (CatalogSource, {"type": "apt", "location": "/srv", "products": [], "after": None}),
        (UpdateGroup, {"type": "rollup", "updates": ["one"]}),
        (
            Rollout,
            {
                "authorization": "s",
                "timeBasis": "utc",
                "strategy": None,
                "phases": [{"name": "one", "collection": "c", "spread": "0s"}],
            },
        ),
    ],
)
def test_field_that_asks_for_nothing_is_no_use_of_it(model, spec):
    written = {
        "apiVersion": "patchwright.dev/v1alpha1",
        "kind": model.__name__,
        "metadata": {"name": "a"},
        "spec": spec,
    }

    assert list(not_yet_uses(model.model_validate(written))) == []
