"""Parts that need no story: who is in a collection, what supersedes what, what is held."""

import os
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import FrozenBitMap

from reconciler.model import ids
from reconciler.model.permits import Permit, Waiting
from reconciler.model.updates import CatalogEntry
from reconciler.observed.catalog import Catalog
from reconciler.planning.guidance import BudgetDomain
from reconciler.planning.permits import may_start
from tests.reference import drawing
from tests.reference.budgets import Domain, Wish, granted
from tests.reference.deadlines import spread_offset
from tests.reference.drawing import UPDATES
from tests.reference.events import rendered
from tests.reference.holds import Rolls
from tests.reference.sight import Sight
from tests.reference.updates import leaves_out, superseders
from tests.worlds import NOW, PlannerWorld, load_desired

CASES = int(os.environ.get("PATCHWRIGHT_REFERENCE_CASES", "800"))
SITE_ALONE = rendered({("Site", "main"): {"code": "PWR"}})
pytestmark = pytest.mark.timeout(0)
documents = st.fixed_dictionaries(
    {
        ("Collection", "mix-a"): drawing.collections("mix-b", "mix-c", updates=True),
        ("Collection", "mix-b"): drawing.collections("mix-c", updates=True),
        ("Collection", "mix-c"): drawing.collections(updates=True),
        ("Site", "main"): st.just({"code": "PWR"}),
    }
)
facts_of_all = st.lists(drawing.facts, min_size=1, max_size=4)
TOWN = tuple(f"t{number:02}" for number in range(24))
rings = st.lists(st.sampled_from([0, 1]), min_size=len(TOWN), max_size=len(TOWN))
shares = st.sampled_from(["20%", "50%", "60%", "100%"])


@settings(max_examples=2 * CASES, deadline=None)
@given(documents, facts_of_all)
def test_collections_have_the_members_that_the_reference_finds(written, facts):
    world = PlannerWorld(rendered(written))
    for name, own in zip(drawing.NAMES, facts, strict=False):
        world.enrol(name, **own)
    world.pass_time(hours=1)
    world.scan("ann")
    desired = load_desired(*world.manifests)
    sight = Sight(desired, world.computers, world.entries, world.now)
    members, _ = Rolls().evaluate(sight)

    world.step()

    found = {name: world.names(roll.members) for (name,), roll in world.memory.rolls.items()}
    assert found == {name: members[name] for name in found}


@st.composite
def catalogs(draw):
    """Draw a catalog in which anything may supersede anything, and some are withdrawn."""
    entries = {}
    for number, update in enumerate(UPDATES):
        made = draw(drawing.updates(update))
        entries[update] = CatalogEntry(made, 1, number, NOW, withdrawn=draw(st.booleans()))
    return entries


@settings(max_examples=CASES, deadline=None)
@given(catalogs())
def test_supersedence_is_what_the_reference_finds(entries):
    catalog = Catalog(len(entries), entries)
    sight = Sight(load_desired(*SITE_ALONE), {}, entries, NOW)
    for update in UPDATES:
        assert set(catalog.superseders.get(update, ())) == superseders(sight, update)
        assert set(catalog.replacers(update)) == leaves_out(sight, update)


class Town:
    """Two dozen computers in rings, and collections that follow from these."""

    def __init__(self, share, parts):
        self.share = share
        self.world = PlannerWorld()
        self.rolls = Rolls()
        self.write("inner")
        for name, ring in zip(TOWN, parts, strict=True):
            self.world.enrol(name, ring=ring)

    def write(self, description):
        """Commit the collections; the description is the first one's."""
        inside = {"fact": "ring", "op": "In", "values": [0]}
        specs = {
            "inner": {"query": inside, "description": description},
            "outer": {"include": ["inner"], "computers": ["t00"]},
            "others": {"query": {"all": True}, "exclude": ["inner"]},
            "beside": {"query": {"not": {"collection": "outer"}}},
        }
        written = {
            ("Collection", name): {"maxChange": self.share, **spec} for name, spec in specs.items()
        }
        self.world.manifests = rendered({**written, ("Site", "main"): {"code": "PWR"}})

    def agree(self):
        """Have both decide who is in, and compare."""
        self.world.step()
        desired = load_desired(*self.world.manifests)
        sight = Sight(desired, self.world.computers, {}, self.world.now)
        members, _ = self.rolls.evaluate(sight)
        found = self.world.memory.rolls
        assert {name: self.world.names(roll.members) for (name,), roll in found.items()} == members
        held = {name for (name,), roll in found.items() if roll.held_since is not None}
        # The planner says so only while a change is indeed held back.
        assert held == self.rolls.held


changes = st.lists(
    st.tuples(
        st.sampled_from([timedelta(0), timedelta(hours=1), timedelta(hours=12), timedelta(days=1)]),
        st.sampled_from(["rings", "rings", "rings", "commit", "retire", "enrol"]),
        rings,
    ),
    max_size=6,
)


@settings(max_examples=CASES // 2, deadline=None)
@given(shares, rings, changes)
def test_large_changes_are_held_where_the_reference_holds_them(share, parts, story):
    town = Town(share, parts)
    town.agree()
    for number, (span, what, ring) in enumerate(story):
        town.world.now += span
        if what == "commit":
            town.write(f"commit {number}")
        elif what == "enrol":
            town.world.enrol(f"n{number}", ring=0)
        elif what == "retire":
            town.world.change(*TOWN[number : number + 3], retired=True)
        else:
            for name, own in zip(TOWN, ring, strict=True):
                town.world.change(name, facts={"ring": own})
        town.agree()


people = st.sampled_from(drawing.NAMES)
phase_keys = st.sampled_from([("alpha", 1, "one"), ("alpha", 1, "two"), ("beta", 1, "one")])
wishes = st.lists(
    st.builds(
        Wish,
        people,
        phase_keys,
        st.integers(0, 2),
        st.booleans(),
        st.sampled_from([None, NOW, NOW + timedelta(hours=1)]),
    ),
    max_size=6,
    unique_by=lambda wish: wish.name,
)
some_domains = st.lists(
    st.builds(Domain, st.frozensets(people), st.integers(1, 3), st.one_of(st.none(), phase_keys)),
    max_size=3,
)


def _waiting(wish, number):
    rollout, release, phase = wish.phase
    return Waiting(
        computer=wish.name,
        ordinal=number,
        name=wish.name,
        advertisement="PWR00001",
        rollout=rollout,
        release=release,
        phase=phase,
        rank=wish.rank,
        failed_before=wish.failed_before,
        deadline=wish.deadline,
        asked_at=NOW,
    )


@settings(max_examples=2 * CASES, deadline=None)
@given(wishes, st.sets(people), some_domains)
def test_permits_are_given_to_whom_the_reference_would_give_them(asked, busy, limits):
    numbers = {name: number for number, name in enumerate(drawing.NAMES)}
    waiting = {one.name: _waiting(one, numbers[one.name]) for one in asked}
    end = NOW + timedelta(hours=1)
    permits = [
        Permit(name, numbers[name], name, "PWR00009", "gamma", 1, "one", NOW, end) for name in busy
    ]
    cut = [
        BudgetDomain(
            "b", "", FrozenBitMap(numbers[name] for name in one.members), one.limit, one.phase
        )
        for one in limits
    ]
    given_to = {
        name for name, one in waiting.items() if may_start(one, waiting.values(), permits, cut)
    }

    assert given_to == granted(asked, busy, limits)


@settings(max_examples=CASES, deadline=None)
@given(st.text("abc-1", min_size=1), st.text("abc", min_size=1), st.uuids(), st.integers(0, 10**6))
def test_share_of_a_spread_is_what_the_rule_says(rollout, phase, identity, seconds):
    spread = timedelta(seconds=seconds)
    found = ids.spread_offset(rollout, phase, identity.hex, spread)

    assert found == spread_offset(rollout, phase, identity.hex, spread)
