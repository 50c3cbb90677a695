"""Manifests with windows, and what `patchwright windows` says of them."""

from tests.corpora import document

WEEKLY = 'recurrence: "FREQ=WEEKLY;BYDAY=SA"'
NIGHT = f'{{name: sat, {WEEKLY}, start: "22:00", end: "04:00"}}'
SPRING = ("2026-03-28", "2026-03-30")
AUTUMN = ("2026-10-24", "2026-10-26")


def a_collection(windows, name="web", **spec):
    more = "".join(f", {field}: {value}" for field, value in spec.items())
    return document("Collection", name, f"{{maintenanceWindows: {windows}{more}}}")


def a_rollout(phase, runtime="1h", basis="utc"):
    return [
        document("UpdateGroup", "g", f"{{type: rollup, updates: [u], maxRuntime: {runtime}}}"),
        document("Authorization", "a", "{group: g}"),
        document(
            "Rollout",
            "r",
            f"{{authorization: a, timeBasis: {basis},"
            f" phases: [{{name: p, collection: web, {phase}}}]}}",
        ),
    ]


def spans(found, form="utc"):
    return [(one["opens"][form], one["closes"][form]) for one in found]


def only(shown):
    (one,) = shown["classes"]
    return one
