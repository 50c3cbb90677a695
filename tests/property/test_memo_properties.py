"""What is kept between plans is what would be computed from nothing (design decision 1)."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from pyroaring import BitMap, FrozenBitMap

from reconciler.model.computers import Computer
from reconciler.model.updates import UpdateState
from reconciler.observed.fleet import Fleet
from reconciler.observed.memo import Identity, Memo
from reconciler.observed.steps import MOST_STEPS, Instants
from tests.property.test_fleet_properties import NOW

HOURS = st.integers(0, 12)
AGE, SILENCE = timedelta(hours=5), timedelta(hours=3)
INSTANTS = st.one_of(st.none(), HOURS.map(lambda hours: NOW + timedelta(hours=hours)))


@st.composite
def records(draw):
    """Draw one of 40 computers, of which nearly all stand still at any step."""
    ordinal = draw(st.integers(0, 39))
    return Computer(
        id=f"{ordinal:032x}",
        ordinal=ordinal,
        name=f"c{ordinal}",
        enrolled_at=NOW,
        last_contact_at=draw(INSTANTS),
        last_scan_at=draw(INSTANTS),
        facts={"role": draw(st.sampled_from(["web", "db", "mail"]))},
        states={"u1": draw(st.sampled_from([UpdateState.MISSING, UpdateState.INSTALLED]))},
        retired=draw(st.booleans()),
    )


ASKED = ("inside", "judged", "having", "recent", "silent", "heard of late")


def sets_of(memo, role, named, asked=ASKED):
    """Ask for sets that lean on one another, on an input, on the time and on another set."""

    def recent(fleet):
        return fleet.last_scan_at.at_least(memo.older_than(Instants.SCAN, AGE)) & fleet.enrolled

    def having(fleet):
        return fleet.fact("role").where(lambda value: value == role) & fleet.enrolled

    def judged(fleet):
        missing = fleet.in_state(UpdateState.MISSING, "u1") & fleet.enrolled
        fresh = memo.members("recent", (), recent)
        return {
            "missing": missing & fresh,
            "stale": missing - fresh,
            **({"all": missing} if missing else {}),
        }

    def inside(fleet):
        return {"inside": fleet.cut(named) & fleet.in_state(UpdateState.MISSING, "u1")}

    def silent(fleet):
        heard = fleet.last_contact_at.above(memo.older_than(Instants.CONTACT, SILENCE))
        return fleet.enrolled - heard

    def heard_of_late(fleet):
        fresh, away = memo.members("recent", (), recent), memo.members("silent", (), silent)
        return {"both": fleet.enrolled & fresh - away}

    ask = {
        "inside": lambda: dict(memo.sets("inside", (), inside, named)),
        "judged": lambda: dict(memo.sets("judged", (), judged)),
        "having": lambda: memo.members("having", role, having),
        "recent": lambda: memo.members("recent", (), recent),
        "silent": lambda: memo.members("silent", (), silent),
        "heard of late": lambda: dict(memo.sets("heard of late", (), heard_of_late)),
    }
    return [ask[one]() for one in asked]


@given(
    st.lists(records(), min_size=1, max_size=60),
    st.lists(
        st.tuples(
            st.lists(records(), max_size=2),
            HOURS,
            st.sampled_from(["web", "db"]),
            st.frozensets(st.integers(0, 39), max_size=3),
            st.lists(st.sampled_from(ASKED), max_size=6),
        ),
        max_size=12,
    ),
)
def test_kept_sets_are_those_computed_from_nothing(first, steps):
    fleet, memo = Fleet(first), Memo()
    memo.begin(fleet, NOW)
    named = FrozenBitMap(range(20))
    sets_of(memo, "web", named)
    for changed, hours, role, moved, asked in steps:
        named ^= FrozenBitMap(moved)
        fleet.keep_all(changed)
        now, fresh = NOW + timedelta(hours=hours), Memo()
        memo.begin(fleet, now)
        fresh.begin(fleet, now)

        assert sets_of(memo, role, named, asked) == sets_of(fresh, role, named, asked)


def test_sets_in_which_nothing_changed_are_the_same_object():
    fleet = Fleet(Computer(f"{n:032x}", n, f"c{n}", NOW, NOW, NOW) for n in range(40))
    memo = Memo()

    def everybody():
        memo.begin(fleet, NOW)
        return memo.sets("all", (), lambda part: {"all": part.enrolled})

    first = everybody()
    fleet.keep(Computer(f"{1:032x}", 1, "c1", NOW, NOW, NOW, facts={"role": "web"}))
    assert everybody() is first
    fleet.keep(Computer(f"{1:032x}", 1, "c1", NOW, retired=True))
    assert everybody() == {"all": BitMap(set(range(40)) - {1})}


def test_only_those_who_changed_are_looked_at_again():
    fleet = Fleet(Computer(f"{n:032x}", n, f"c{n}", NOW) for n in range(40))
    memo, seen = Memo(), []

    def look(part):
        seen.append(set(part.enrolled))
        return part.enrolled

    for _ in range(2):
        memo.begin(fleet, NOW)
        memo.members("all", (), look)
    fleet.keep(Computer(f"{7:032x}", 7, "c7", NOW, facts={"role": "web"}))
    memo.begin(fleet, NOW)
    memo.members("all", (), look)

    assert seen == [set(range(40)), {7}]


def test_value_is_kept_while_its_inputs_stand():
    memo, one, other = Memo(), [1], [1]
    memo.begin(Fleet(), NOW)

    def ask(it):
        return memo.value("copy", Identity(it), it.copy)

    first = ask(one)
    assert ask(one) is first
    assert ask(other) is not first


def test_what_no_plan_asks_for_any_more_is_forgotten():
    memo, fleet, first = Memo(), Fleet(), object()
    memo.begin(fleet, NOW)
    memo.value("once", (), lambda: first)
    for hour in range(2 * MOST_STEPS):
        fleet.keep(Computer(f"{1:032x}", 1, "c1", NOW, NOW + timedelta(hours=hour)))
        memo.begin(fleet, NOW)
        memo.value("always", (), lambda: first)

    assert memo.value("once", (), object) is not first
    assert memo.value("always", (), object) is first


def test_another_given_object_makes_everything_new():
    memo, fleet, given_ = Memo(), Fleet(), object()
    memo.begin(fleet, NOW, given_)
    first = memo.value("it", (), object)
    memo.begin(fleet, NOW, given_)
    assert memo.value("it", (), object) is first
    memo.begin(fleet, NOW, object())
    assert memo.value("it", (), object) is not first


def test_age_counts_on_where_a_later_question_did_not_ask_for_it():
    fleet = Fleet(Computer(f"{n:032x}", n, f"c{n}", NOW, NOW, NOW) for n in range(40))
    memo, named = Memo(), FrozenBitMap(range(5))

    def recent(part):
        if part.cut(named):
            return part.last_scan_at.at_least(memo.older_than(Instants.SCAN, AGE)) & named
        return FrozenBitMap()

    memo.begin(fleet, NOW)
    memo.members("recent", (), recent)
    fleet.keep(Computer(f"{9:032x}", 9, "c9", NOW, NOW, NOW, facts={"role": "web"}))
    memo.begin(fleet, NOW)
    memo.members("recent", (), recent)
    memo.begin(fleet, NOW + 2 * AGE)

    assert not memo.members("recent", (), recent)
