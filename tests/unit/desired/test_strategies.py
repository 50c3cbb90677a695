"""Strategies: defaults field by field, and places where the values stand."""

from datetime import timedelta

from reconciler.desired.strategies import merge_strategies
from tests.corpora import document, judged

STANDARD = document(
    "RolloutStrategy",
    "standard",
    "{strategy: house, recurrence: 3d, phases: [{name: one, collection: everyone}]}",
)
HOUSE = document("RolloutStrategy", "house", "{recurrence: 5d, releases: {every: 7d}}")
OTHERS = [
    document("Collection", "everyone", "{query: {all: true}}"),
    document("UpdateGroup", "rollup", "{type: rollup, query: {product: [openssl]}}"),
    document("Authorization", "september", "{group: rollup}"),
]


def merged(spec: str):
    rollout = document("Rollout", "r", f"{{authorization: september, strategy: standard{spec}}}")
    state, _ = judged("---\n".join([rollout, STANDARD, HOUSE, *OTHERS]))
    assert state is not None
    return merge_strategies(state)["r"]


def test_nearest_strategy_decides():
    spec = merged("").document.spec

    assert spec.recurrence == timedelta(days=3)
    assert spec.releases.every == timedelta(days=7)
    assert [phase.name for phase in spec.phases] == ["one"]


def test_rollout_decides_before_its_strategy():
    assert merged(", recurrence: 1d").document.spec.recurrence == timedelta(days=1)


def test_defaults_never_go_deeper_than_a_field():
    phases = "[{name: two, collection: everyone}]"

    assert [phase.name for phase in merged(f", phases: {phases}").document.spec.phases] == ["two"]


def test_places_lead_to_where_a_value_stands():
    placed = merged("")

    assert placed.locate(("spec", "authorization")).line == 4
    assert placed.locate(("spec", "phases", 0, "name")).line == 9
    assert placed.locate(("spec", "releases", "every")).line == 14


def test_fault_of_a_strategy_is_told_once_however_many_use_it():
    phases = "[{name: one, collection: everyone}, {name: two, collection: everyone}]"
    strategy = document("RolloutStrategy", "standard", f"{{phases: {phases}}}")
    rollouts = [
        document("Rollout", name, "{authorization: september, strategy: standard}")
        for name in "abc"
    ]
    _, problems = judged("---\n".join([strategy, *rollouts, *OTHERS]))

    assert [problem.code for problem in problems if problem.is_error] == ["PW1075"]
