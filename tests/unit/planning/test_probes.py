"""Custom facts travel to the computers of their collection, and to no others (A2)."""

from datetime import timedelta

from reconciler.model.policy import ProbeOrder
from tests.worlds import PlannerWorld

FACTS = """
apiVersion: patchwright.dev/v1alpha1
kind: Collection
metadata: {name: terminals}
spec: {computers: [ts-1]}
---
apiVersion: patchwright.dev/v1alpha1
kind: CustomFact
metadata: {name: mode}
spec:
  name: ts.mode
  type: text
  probe: {command: [/usr/bin/ts-mode, "-q"]}
  collection: terminals
  every: 7d
---
apiVersion: patchwright.dev/v1alpha1
kind: CustomFact
metadata: {name: licences}
spec: {name: licences, type: integer, probe: {file: /etc/ts.conf, match: "licences=([0-9]+)"}}
"""


def test_probes_travel_in_the_policy_of_their_collection():
    world = PlannerWorld()
    world.enrol("ts-1")
    world.enrol("web")
    world.manifests.append(FACTS)
    world.step()
    everywhere = ProbeOrder(
        "licences",
        "integer",
        timedelta(days=1),
        file="/etc/ts.conf",
        match="licences=([0-9]+)",
    )
    own = ProbeOrder("ts.mode", "text", timedelta(days=7), command=("/usr/bin/ts-mode", "-q"))

    assert world.policy("ts-1").probes == (everywhere, own)
    assert world.policy("web").probes == (everywhere,)
