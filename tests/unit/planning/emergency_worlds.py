"""A world with an emergency in it, and how it is brought from state to state."""

from reconciler.model.updates import UpdateState
from tests.worlds import BASICS, HEADER, PlannerWorld, an_update

BLASTER = "EmergencyChange/blaster"
EMERGENCY = (
    HEADER
    + """
kind: EmergencyChange
metadata: {name: blaster}
spec:
  bulletin: MS03-039
  updates: ["deb:Lab/security/app/1.1"]
  reference: reference
  production: [everybody]
"""
)
SITE_AND_COLLECTIONS = BASICS[
    : BASICS.index("---\napiVersion: patchwright.dev/v1alpha1\nkind: Upd")
]


def emergency_world(*, mainline=False, more=""):
    """Make a world of a reference computer and another; both miss the urgent update."""
    basics = BASICS if mainline else SITE_AND_COLLECTIONS
    world = PlannerWorld([basics, EMERGENCY + more])
    world.publish(an_update("app"))
    world.enrol("ref", ring="reference")
    world.enrol("web")
    world.scan(app=UpdateState.MISSING)
    return world


def state_of(world):
    """Give the name of the state that the emergency entered last."""
    return world.memory.emergencies[BLASTER,].state.value


def advertise(world):
    """Bring the emergency to the state in which its first phase is open."""
    world.step()
    world.capture()
    world.step()
    world.pass_time(seconds=1)
    world.scan("ref")
    world.step()
    world.capture()
    world.step()
    assert state_of(world) == "Advertised", state_of(world)
