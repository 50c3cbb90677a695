"""Facts in use are told with how many lack them, unknown names together (S5, S6)."""

from tests.worlds import BASICS, HEADER, PlannerWorld, an_update

BUDGET = (
    f"{HEADER}kind: DisruptionBudget\nmetadata: {{name: web}}\n"
    "spec: {collection: everybody, concurrent: 1, per: PER}\n"
)


def missing(world, subject):
    return [
        one.message
        for one in world.plan().conditions
        if (one.subject, one.type.value) == (subject, "FactMissing")
    ]


def a_world(*more):
    world = PlannerWorld([BASICS, *more])
    world.enrol("one", cluster="a")
    world.enrol("two")
    world.enrol("three")
    world.publish(an_update("app"))
    return world


def test_a_collection_that_nothing_uses_tells_what_its_query_misses():
    spec = "spec: {query: {anyOf: [{all: true}, {fact: cluster, op: Exists}]}}\n"
    world = a_world(f"{HEADER}kind: Collection\nmetadata: {{name: idle}}\n{spec}")

    assert missing(world, "Collection/idle") == ["2 lack fact 'cluster'"]


def test_a_budget_tells_how_many_lack_the_fact_that_parts_them():
    assert missing(a_world(BUDGET.replace("PER", "cluster")), "DisruptionBudget/web") == [
        "2 lack fact 'cluster'"
    ]
    assert missing(a_world(BUDGET.replace("PER", "rack")), "DisruptionBudget/web") == [
        "3 lack fact 'rack'"
    ]


def test_a_budget_for_all_or_by_site_needs_no_fact():
    for per in ("all", "site"):
        assert missing(a_world(BUDGET.replace("PER", per)), "DisruptionBudget/web") == []


def test_a_rollout_tells_it_of_its_targets():
    world = a_world()
    world.change("one", "two", facts={"ring": "reference"})
    budget = "  authorization: monthly\n  budget: {concurrent: 1, per: cluster}\n"
    world.edit("  authorization: monthly\n", budget)
    world.step()

    assert missing(world, "Rollout/monthly") == ["1 lack fact 'cluster'"]


def test_many_unknown_computers_are_one_condition():
    names = ", ".join(f"pc-{number}" for number in range(500))
    spec = f"spec: {{computers: [{names}]}}\n"
    world = a_world(f"{HEADER}kind: Collection\nmetadata: {{name: lab}}\n{spec}")

    (told,) = [one for one in world.plan().conditions if one.type.value == "UnknownComputer"]
    assert told.message == (
        "500 named computer(s) have not enrolled: pc-0, pc-1, pc-2, pc-3, pc-4, …"
    )
