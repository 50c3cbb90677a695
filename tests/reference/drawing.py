"""Random manifests, updates and computers, small enough to be read when a case fails."""

from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from reconciler.model.updates import Update, UpdateSeverity
from tests.worlds import NOW, an_update

NAMES = ("ann", "bob", "cat", "dan", "eve", "fay")
PRODUCTS = ("app", "lib", "tool")
UPDATES = tuple(
    f"deb:Lab/security/{product}/1.{number}" for product in PRODUCTS for number in (1, 2)
)
BASES = ("all", "ring-0", "ring-1")
MIXES = ("mix-a", "mix-b", "mix-c")
PHASES = ("one", "two", "three")
ROLLOUTS = ("alpha", "beta")

Doc = dict[str, Any]
names = st.sampled_from(NAMES)
some_names = st.sets(names, min_size=1).map(sorted)
some_updates = st.lists(st.sampled_from(UPDATES), min_size=1, max_size=2, unique=True)


def instants(*hours: int):
    """Draw an instant so many hours after the beginning."""
    return st.sampled_from([f"{NOW + timedelta(hours=one):%Y-%m-%dT%H:%M:%SZ}" for one in hours])


def maybe(**fields):
    """Draw a mapping of some of the fields."""
    return st.fixed_dictionaries({}, optional=fields)


facts = maybe(
    ring=st.sampled_from([0, 1]),
    **{
        "class": st.sampled_from(["workstation", "portable", "server"]),
        "timezone": st.sampled_from(["Europe/Rome", "America/New_York", "Mars/Olympus"]),
        "tags": st.lists(st.sampled_from(["x", "y"]), max_size=2).map(tuple),
        "kernel": st.sampled_from(["6.1-2", "6.1~rc1", "1:5", "none", "6.1"]),
        "os.family": st.sampled_from(["rhel", "debian"]),
        "share": st.sampled_from([0.5, 1]),
        "flag": st.booleans(),
    },
)
_ANY_VALUE = st.sampled_from([0, 1, 0.5, True, "x", "6.1-2"])
fact_leaves = st.one_of(
    st.fixed_dictionaries(
        {
            "fact": st.sampled_from(["ring", "tags", "kernel", "share", "flag", "class"]),
            "op": st.sampled_from(["In", "NotIn"]),
            "values": st.lists(_ANY_VALUE, min_size=1, max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {
            "fact": st.sampled_from(["ring", "tags", "kernel"]),
            "op": st.sampled_from(["Exists", "NotExists"]),
        }
    ),
    st.fixed_dictionaries(
        {
            "fact": st.sampled_from(["ring", "share", "flag", "kernel"]),
            "op": st.sampled_from(["Lt", "Le", "Gt", "Ge"]),
            "values": st.sampled_from([[0], [0.5], [1]]),
        }
    ),
    st.fixed_dictionaries(
        {
            "fact": st.sampled_from(["kernel", "ring", "tags"]),
            "op": st.sampled_from(["VersionLt", "VersionLe", "VersionGt", "VersionGe"]),
            "values": st.sampled_from([["6.1"], ["6.1-2"], ["1:5"], ["next"]]),
        }
    ),
    st.fixed_dictionaries(
        {
            "fact": st.sampled_from(["kernel", "class", "tags"]),
            "op": st.just("Matches"),
            "values": st.sampled_from([["x"], ["6.*"], ["(work|port).*"]]),
        }
    ),
)
_STATES = ["installed", "missing", "notApplicable", "unknown", "pendingRestart"]
update_leaves = st.fixed_dictionaries(
    {"update": st.sampled_from(UPDATES), "state": st.sampled_from(_STATES)}
)
shard_leaves = st.sampled_from(
    [{"shard": {"of": 2, "in": [0]}}, {"shard": {"of": 3, "in": [0, 2]}}]
)
scan_leaves = st.sampled_from(
    [{"lastScan": {"olderThan": "1h"}}, {"lastScan": {"olderThan": "1d"}}]
)


def queries(*collections: str, updates: bool = False):
    """Draw queries that may refer to the collections."""
    leaves = [st.just({"all": True}), fact_leaves, shard_leaves, scan_leaves]
    if collections:
        leaves.append(st.sampled_from(collections).map(lambda one: {"collection": one}))
    if updates:
        leaves.append(update_leaves)
    return st.recursive(
        st.one_of(leaves),
        lambda inner: st.one_of(
            st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"allOf": parts}),
            st.lists(inner, min_size=1, max_size=2).map(lambda parts: {"anyOf": parts}),
            inner.map(lambda part: {"not": part}),
        ),
        max_leaves=3,
    )


_RULES = st.sampled_from(
    [
        {"recurrence": "FREQ=DAILY"},
        {"recurrence": "FREQ=WEEKLY;BYDAY=SA,SU"},
        {"recurrence": "FREQ=MONTHLY;BYDAY=2TU"},
        {"recurrence": "FREQ=MONTHLY;BYMONTHDAY=-1"},
        {"recurrence": "FREQ=DAILY;INTERVAL=3", "anchor": "2026-03-01"},
        {"recurrence": "FREQ=WEEKLY;COUNT=2", "anchor": "2026-02-24"},
        {"recurrence": "FREQ=DAILY;UNTIL=20260303"},
        {"recurrence": "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=29"},
    ]
)
_LENGTHS = st.sampled_from([{"duration": "2h"}, {"end": "02:30"}, {"duration": "3d"}])
_ZONES = st.sampled_from(["UTC", "local", "Europe/Rome", "Pacific/Apia"])


@st.composite
def windows(draw, number=0):
    """Draw a maintenance window."""
    made = {
        "name": f"w{number}",
        "start": draw(st.sampled_from(["22:00", "02:30", "08:00"])),
        "timezone": draw(_ZONES),
        "for": draw(st.sampled_from(["all", "updates", "restarts"])),
        **draw(_RULES),
        **draw(_LENGTHS),
    }
    if draw(st.integers(0, 3)) == 3:
        made["offset"] = draw(st.sampled_from(["4d", "-1d"]))
    return made


@st.composite
def window_lists(draw):
    """Draw what a collection says of windows: one, two, or the word `always`."""
    count = draw(st.integers(0, 2))
    return [draw(windows(number)) for number in range(count)] or "always"


@st.composite
def collections(draw, *others: str, updates: bool = False):
    """Draw a collection that refers to no others than these."""
    spec = draw(
        maybe(
            query=queries(*others, updates=updates),
            computers=st.lists(
                st.sampled_from([*NAMES, "main/ann", "main/bob", "nobody"]), max_size=2
            ),
        )
    )
    if others:
        choice = st.lists(st.sampled_from(others), max_size=1)
        spec |= draw(maybe(include=choice, exclude=choice, limitTo=st.sampled_from(others)))
    if draw(st.integers(0, 2)) == 2:
        spec["maintenanceWindows"] = draw(window_lists())
    return spec


shares = st.sampled_from(["1%", "33.333333%", "50%", "66.666667%", "95%", "100%"])
gates = maybe(
    success=shares,
    minReported=st.integers(1, 3),
    soak=st.sampled_from(["0s", "1h", "2h"]),
    unreachableAfter=st.sampled_from(["2h", "1d"]),
    maxUnreachable=st.sampled_from(["20%", "50%", "100%"]),
    within=st.sampled_from(["3h", "2d"]),
    pendingRestart=st.sampled_from(["wait", "accept"]),
    allowEmpty=st.booleans(),
)
halts = st.builds(
    lambda failures, more: {"failures": failures, **more},
    shares,
    maybe(minReported=st.integers(1, 3)),
)
phase_collections = st.sampled_from([*BASES, "mix-a", "mix-b"])


@st.composite
def phases(draw, name, place):
    """Draw one phase; the instants of later ones lie after those of earlier ones."""
    made = {"name": name, "collection": draw(phase_collections), "gate": draw(gates)}
    made |= draw(
        maybe(
            deadline=st.one_of(st.sampled_from(["0s", "3h", "1d"]), instants(60, 61)),
            grace=st.sampled_from(["0s", "1h", "1d"]),
            halt=halts,
            recurrence=st.just("1d"),
            spread=st.sampled_from(["0s", "2h"]),
        )
    )
    kind = draw(st.integers(0, 5))
    if kind == 5:
        made["opens"] = {"at": draw(instants(place + 1, 3 * place))}
    if kind == 4:
        made["opens"] = {"notBefore": draw(instants(place, 2 * place + 2))}
    return made


@st.composite
def waivers(draw):
    """Draw a waiver that may end within a story."""
    who = draw(
        st.sampled_from(
            [{"collection": "ring-0"}, {"computers": ["ann"]}, {"computers": ["main/bob", "cat"]}]
        )
    )
    until = draw(instants(2, 26, 80))
    updates = draw(st.one_of(some_updates, st.just(list(UPDATES))))
    return {**who, "updates": updates, "reason": "r", "approvedBy": ["x"], "until": until}


@st.composite
def freezes(draw):
    """Draw a freeze, once or again and again."""
    made: Doc = {"collections": draw(st.sampled_from([["ring-0"], ["all"], [], ["mix-b"]]))}
    if draw(st.booleans()):
        return {**made, "from": draw(instants(1, 20)), "until": draw(instants(30, 50))}
    zone = draw(st.sampled_from([{}, {"timezone": "Europe/Rome"}]))
    return {**made, **zone, **draw(_RULES), "start": "08:00", "duration": "9h"}


suspensions = st.one_of(
    st.just({"reason": "fire", "by": "ines"}),
    instants(2, 30).map(lambda until: {"reason": "fire", "by": "ines", "until": until}),
)


budgets = st.fixed_dictionaries(
    {"concurrent": st.sampled_from([1, 2, "1%", "34%", "50%"])},
    optional={"per": st.sampled_from(["all", "site", "ring", "class"])},
)
disruption_budgets = st.builds(
    lambda budget, name: {**budget, "collection": name},
    budgets,
    st.sampled_from(["all", "ring-0", "mix-b"]),
)


@st.composite
def rollouts(draw, authorization):
    """Draw a rollout of one to three phases."""
    count = draw(st.integers(1, 3))
    return {
        "authorization": authorization,
        "releases": {"every": draw(st.sampled_from(["1m", "1h", "1d"]))},
        "timeBasis": draw(st.sampled_from(["utc", "local"])),
        "phases": [draw(phases(name, place)) for place, name in enumerate(PHASES[:count])],
        **draw(maybe(budget=budgets)),
    }


readvertises = st.fixed_dictionaries(
    {
        "rollout": st.sampled_from(["alpha", *ROLLOUTS]),
        "phase": st.sampled_from(PHASES),
        "token": st.sampled_from(["1", "2"]),
        "reason": st.just("r"),
    }
)

update_queries = maybe(
    product=st.lists(st.sampled_from(PRODUCTS), min_size=1, max_size=2, unique=True),
    classification=st.sampled_from([["security"], ["bugfix", "release"]]),
    severity=st.sampled_from([">=moderate", "<high", "critical", ">low", "<=medium", "=high"]),
    minAge=st.sampled_from(["1h", "1d"]),
    cves=st.just(["CVE-2026-1"]),
    release=st.sampled_from([["debian-12"], ["debian-11"]]),
).filter(bool)


@st.composite
def groups(draw):
    """Draw a group, most often of everything."""
    made = {"type": draw(st.sampled_from(["rollup", "rollup", "standalone"]))}
    made["query"] = {"classification": ["security", "bugfix", "release"]}
    kind = draw(st.integers(0, 4))
    if kind == 4:
        made["query"] = draw(update_queries)
    if kind == 3:
        del made["query"]
        made["updates"] = draw(some_updates)
    return made | draw(
        maybe(exclude=some_updates, superseded=st.sampled_from(["include", "exclude"]))
    )


@st.composite
def authorizations(draw):
    """Draw an authorization, most often of the whole group and for ever."""
    made: Doc = {"group": draw(st.sampled_from(["g1", "g1", "g2"]))}
    kind = draw(st.integers(0, 7))
    if kind == 7:
        made["except"] = draw(some_updates)
    if kind == 6:
        made["only"] = draw(some_updates)
    if kind == 5:
        made |= draw(maybe(**{"from": instants(1, 3)}, until=instants(30, 48)))
    return made


@st.composite
def scan_policies(draw):
    """Draw a policy whose scans count long enough for worlds to get on."""
    span = draw(st.sampled_from(["2d", "6d"]))
    return {
        "collection": draw(st.sampled_from([*BASES, "mix-c"])),
        "recurrence": {"server": "1h", "workstation": "1h", "portable": "1h"},
        "staleAfter": {"server": span, "workstation": span, "portable": "30d"},
    }


@st.composite
def manifests(draw):
    """Draw all documents by kind and name."""
    made: dict[tuple[str, str], Doc] = {
        ("Site", "main"): {"code": "PWR", "mode": "enforce", **draw(_SITES)},
        ("Collection", "all"): {"query": {"all": True}, "maintenanceWindows": "always"},
        ("Collection", "ring-0"): {"query": _is_ring(0)},
        ("Collection", "ring-1"): {"query": _is_ring(1)},
        ("Collection", "mix-a"): draw(collections(*BASES, "mix-b")),
        ("Collection", "mix-b"): draw(collections(*BASES)),
        ("Collection", "mix-c"): draw(collections(*BASES, "mix-a", "mix-b", updates=True)),
        ("UpdateGroup", "g1"): draw(groups()),
        ("UpdateGroup", "g2"): draw(groups()),
        ("Authorization", "a"): draw(authorizations()),
        ("Authorization", "b"): draw(authorizations()),
        ("Rollout", "alpha"): draw(rollouts("a")),
    }
    if draw(st.booleans()):
        made["Rollout", "beta"] = draw(rollouts(draw(st.sampled_from(["a", "b"]))))
    if draw(st.booleans()):
        made["DisruptionBudget", "few"] = draw(disruption_budgets)
    if draw(st.booleans()):
        made["ScanPolicy", "scans"] = draw(scan_policies())
    return made


_SITES = maybe(timezone=st.just("Asia/Kathmandu"), windowless=st.just("always"))


def _is_ring(number: int) -> Doc:
    return {"fact": "ring", "op": "In", "values": [number]}


@st.composite
def updates(draw, update_id: str) -> Update:
    """Draw one update of a fixed id; supersedence may go in circles."""
    product, version = update_id.split("/")[2:]
    older = draw(st.lists(st.sampled_from(UPDATES), max_size=1))
    if version == "1.2" and draw(st.booleans()):
        older.append(update_id[:-1] + "1")
    return an_update(
        product,
        version,
        supersedes=tuple(sorted({*older} - {update_id})),
        classification=draw(st.sampled_from(["security", "security", "bugfix", "release"])),
        severity=draw(st.sampled_from(list(UpdateSeverity))),
        cves=draw(st.sampled_from([(), ("CVE-2026-1",)])),
        released_at=draw(st.sampled_from([None, NOW - timedelta(hours=20), NOW])),
    )
