"""Documents linked by name."""

from datetime import timedelta

import pytest

from reconciler.desired.link import link
from reconciler.model.problems import Location
from reconciler.source.load import load_manifests
from tests.corpora import NOW, PATH, document, judged


def together(*texts: str) -> str:
    return "---\n".join(texts)


EVERYONE = document("Collection", "everyone", "{query: {all: true}}")
GROUP = document("UpdateGroup", "rollup", "{type: rollup, query: {product: [openssl]}}")
AUTHORIZATION = document("Authorization", "september", "{group: rollup}")
ROLLOUT = document(
    "Rollout",
    "september",
    "{authorization: september, phases: [{name: one, collection: everyone}]}",
)
WORLD = together(ROLLOUT, EVERYONE, GROUP, AUTHORIZATION)


def codes(text: str) -> list[str]:
    return [problem.code for problem in judged(text)[1]]


def test_valid_documents_become_the_state_of_their_commit():
    state, problems = judged(WORLD)

    assert problems == ()
    assert state is not None
    assert state.commit == "c0ffee"
    assert list(state.rollouts) == ["september"]
    assert state.rollouts["september"].changed_in == "c0ffee"


def test_documents_stand_in_order_of_their_names():
    names = ["b", "a", "c"]
    state, _ = judged("---\n".join(document("Collection", name, "{}") for name in names))

    assert state is not None
    assert list(state.collections) == ["a", "b", "c"]


def test_place_of_a_phase_is_found():
    state, _ = judged(WORLD)

    assert state is not None
    place = state.rollouts["september"].locate(("spec", "phases", 0))
    assert place == Location(PATH, 4, 43)


def test_nothing_takes_force_with_an_error():
    state, problems = judged(WORLD.replace("group: rollup", "group: other"))

    assert state is None
    assert [problem.code for problem in problems] == ["PW1070"]


def test_document_that_is_not_whole_still_exists():
    """Its own fault is told once, not again by everyone who names it."""
    assert codes(WORLD.replace("query: {all: true}", "quary: {all: true}")) == ["PW1031"]


@pytest.mark.parametrize("size", [2, 3, 50])
def test_circle_is_told_once_however_long(size):
    texts = [
        document("Collection", f"c{number:02}", f"{{include: [c{(number + 1) % size:02}]}}")
        for number in range(size)
    ]

    assert codes("---\n".join(texts)) == ["PW1071"]


def test_two_circles_are_told_apart():
    pairs = [("a", "b"), ("b", "a"), ("p", "q"), ("q", "p"), ("z", "a")]
    texts = [document("Collection", name, f"{{exclude: [{other}]}}") for name, other in pairs]

    assert codes("---\n".join(texts)) == ["PW1071", "PW1071"]


def test_two_ways_to_one_collection_are_no_circle():
    texts = [
        document("Collection", "top", "{include: [left, right]}"),
        document("Collection", "left", "{include: [base]}"),
        document("Collection", "right", "{limitTo: base}"),
        document("Collection", "base", "{}"),
    ]

    assert codes("---\n".join(texts)) == []


def test_circle_of_sources_is_told():
    texts = [
        document("CatalogSource", name, f"{{type: apt, location: /srv, after: {other}}}")
        for name, other in [("a", "b"), ("b", "a")]
    ]

    assert codes("---\n".join(texts)).count("PW1071") == 1


def test_long_chain_of_collections_is_followed():
    texts = [
        document("Collection", f"c{number}", f"{{include: [c{number + 1}]}}")
        for number in range(2000)
    ]

    assert codes("---\n".join([*texts, document("Collection", "c2000", "{}")])) == []


def test_time_alone_refuses_nothing():
    """An expired suspension, an ended authorization, an ended window: warnings (S28)."""
    until = "until: 2025-10-02T00:00:00Z"
    suspended = f"{{group: rollup, {until}, suspend: {{reason: r, by: b, {until}}}}}"
    window = '{name: w, recurrence: "FREQ=DAILY;UNTIL=20251002", start: "22:00", duration: 4h}'
    windows = f"{{maintenanceWindows: [{window}]}}"
    texts = [GROUP, document("Authorization", "a", suspended), document("Collection", "w", windows)]
    loaded = load_manifests({PATH: "---\n".join(texts).encode()}, "c")

    assert link(loaded, NOW)[1] == ()
    state, problems = link(loaded, NOW + timedelta(days=30))
    assert state is not None
    assert [problem.code for problem in problems] == ["PW1091", "PW1084", "PW1089"]


@pytest.mark.parametrize(
    "windows",
    [
        pytest.param(
            '[{name: a, recurrence: "FREQ=DAILY", start: "20:00", duration: 24h}]', id="all-day"
        ),
        pytest.param(
            '[{name: a, recurrence: "FREQ=WEEKLY;BYDAY=SA", start: "20:00", end: "00:00"},'
            ' {name: b, recurrence: "FREQ=WEEKLY;BYDAY=SU", start: "00:00", duration: 2h}]',
            id="touching-ones-merge",
        ),
        pytest.param(
            '[{name: a, recurrence: "FREQ=DAILY", start: "20:00", duration: 1h, for: updates},'
            ' {name: b, recurrence: "FREQ=WEEKLY;BYDAY=SA", start: "20:00", duration: 6h}]',
            id="one-is-enough",
        ),
        pytest.param(
            '[{name: a, recurrence: "FREQ=DAILY", start: "20:00", duration: 6h, for: restarts}]',
            id="windows-for-restarts-only-serve",
        ),
    ],
)
def test_window_with_room_is_not_told(windows):
    group = GROUP.replace("type: rollup", "type: rollup, maxRuntime: 5h")
    target = EVERYONE.replace("query: {all: true}", f"maintenanceWindows: {windows}")

    assert codes(together(ROLLOUT, AUTHORIZATION, group, target)) == []


def test_windows_for_restarts_do_not_make_room_for_updates():
    windows = (
        '[{name: a, recurrence: "FREQ=DAILY", start: "20:00", duration: 1h, for: updates},'
        ' {name: b, recurrence: "FREQ=DAILY", start: "08:00", duration: 6h, for: restarts}]'
    )
    group = GROUP.replace("type: rollup", "type: rollup, maxRuntime: 5h")
    target = EVERYONE.replace("query: {all: true}", f"maintenanceWindows: {windows}")

    assert codes(together(ROLLOUT, AUTHORIZATION, group, target)) == ["PW1081"]


def test_lack_of_room_that_time_brought_is_a_warning():
    """The long window has ended; a short one goes on (S28)."""
    windows = (
        '[{name: a, recurrence: "FREQ=DAILY", start: "20:00", duration: 1h},'
        ' {name: b, recurrence: "FREQ=DAILY;UNTIL=20251002", start: "08:00", duration: 6h}]'
    )
    group = GROUP.replace("type: rollup", "type: rollup, maxRuntime: 5h")
    target = EVERYONE.replace("query: {all: true}", f"maintenanceWindows: {windows}")
    loaded = load_manifests({PATH: together(ROLLOUT, AUTHORIZATION, group, target).encode()}, "c")

    assert link(loaded, NOW)[1] == ()
    state, problems = link(loaded, NOW + timedelta(days=300))
    assert state is not None
    assert [problem.code for problem in problems] == ["PW1081", "PW1089"]


def test_deadline_may_be_the_opening_itself():
    instant = "2025-09-02T06:00:00Z"
    phase = f"{{name: one, collection: everyone, opens: {{at: {instant}}}, deadline: {instant}}}"

    assert codes(WORLD.replace("{name: one, collection: everyone}", phase)) == []


def test_one_name_mistyped_everywhere_is_told_everywhere_with_its_hint():
    texts = [document("Drill", f"d{n}", "{collection: everyon, schedule: 1d}") for n in range(3)]
    _, problems = judged("---\n".join([EVERYONE, *texts]))
    dangling = [one.hint for one in problems if one.code == "PW1070"]

    assert dangling == ['did you mean "everyone"?'] * 3
