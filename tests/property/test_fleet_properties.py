"""A fleet that is kept up to date is the one that would be built anew (S25)."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap

from reconciler.model.computers import Computer, Run, RunOutcome
from reconciler.model.updates import UpdateState
from reconciler.observed.columns import micros
from reconciler.observed.fleet import KEPT_STATES, Fleet
from reconciler.observed.part import FleetPart

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
facts = st.one_of(
    st.booleans(),
    st.integers(0, 1),
    st.sampled_from([0.0, 1.0, "0", "web"]),
    st.tuples(st.sampled_from(["0", "web"])),
)
outcomes = st.sampled_from(list(RunOutcome))
moments = st.one_of(st.none(), st.integers(0, 9).map(lambda hours: NOW + timedelta(hours=hours)))


@st.composite
def computers(draw):
    runs = draw(st.dictionaries(st.sampled_from([1, 2]), outcomes))
    made = {f"web/{number}": Run("web", number, one, NOW, NOW) for number, one in runs.items()}
    states = st.dictionaries(st.sampled_from(["u1", "u2"]), st.sampled_from(list(UpdateState)))
    return Computer(
        id="c" * 32,
        ordinal=draw(st.integers(0, 2)),
        name=draw(st.sampled_from(["a", "b"])),
        enrolled_at=NOW,
        last_scan_at=draw(moments),
        facts=draw(st.dictionaries(st.sampled_from(["f", "g"]), facts)),
        states=draw(states),
        runs=made,
        retired=draw(st.booleans()),
    )


def contents(fleet):
    """Give all that can be asked of a fleet of three, empty columns left out."""
    everyone = range(3)
    return {
        "enrolled": set(fleet.enrolled),
        "named": {name: set(fleet.named(name)) for name in ("a", "b")},
        "scans": [fleet.last_scan_at[one] for one in everyone],
        "facts": [[fleet.facts[name].value_of(one) for one in everyone] for name in ("f", "g")],
        "types": [
            [type(fleet.facts[name].value_of(one)) for one in everyone] for name in ("f", "g")
        ],
        "states": {
            (state, update): set(fleet.in_state(state, update))
            for state in UpdateState
            if state is not UpdateState.NOT_APPLICABLE
            for update in ("u1", "u2")
        },
        "runs": {
            name: [
                set(fleet.runs[name].failed),
                [fleet.runs[name].ended_at[one] for one in everyone],
            ]
            for name in ("web/1", "web/2")
        },
    }


@given(st.lists(computers(), max_size=8))
def test_fleet_kept_up_to_date_is_the_one_built_anew(told):
    newest = {computer.ordinal: computer for computer in told}

    assert contents(Fleet(told)) == contents(Fleet(newest.values()))


@given(st.lists(st.lists(computers(), max_size=4), max_size=3), st.sets(st.integers(0, 2)))
def test_part_of_a_fleet_answers_as_if_only_its_computers_were_there(batches, among):
    fleet = Fleet()
    for batch in batches:
        fleet.keep_all(batch)
    newest = {one.ordinal: one for batch in batches for one in batch}
    among &= newest.keys()
    part = FleetPart(fleet, BitMap(among))
    alone = Fleet(one for one in newest.values() if one.ordinal in among)

    assert part.enrolled == alone.enrolled
    for name in ("a", "b"):
        assert part.named(name) == alone.named(name)
    for state in KEPT_STATES:
        assert part.in_state(state, "u1") == alone.in_state(state, "u1")
    for bound in (NOW, NOW + timedelta(hours=5)):
        assert part.last_scan_at.above(micros(bound)) == alone.last_scan_at.above(micros(bound))
        ended = [one.runs_of("web/1").ended_at.at_least(micros(bound)) for one in (part, alone)]
        assert ended[0] == ended[1]
    assert (
        part.in_shards(range(1), 2) & part.enrolled == alone.in_shards(range(1), 2) & alone.enrolled
    )


@given(st.lists(st.lists(computers(), max_size=4), max_size=4), st.integers(0, 5))
def test_fleet_knows_whom_later_changes_touched(batches, seen):
    fleet, touched = Fleet(), set()
    for batch in batches:
        if fleet.version >= seen:
            touched |= {one.ordinal for one in batch}
        fleet.keep_all(batch)

    told = fleet.changed_since(seen)
    assert told is None if seen > fleet.version else told is not None and touched <= set(told)
