"""What manifests alone cannot show of a policy is named once."""

from reconciler.desired.unchecked import unchecked_policies
from tests.corpora import document, judged


def unchecked(*specs: str) -> tuple[str, ...]:
    texts = [document("Policy", f"p{number}", spec) for number, spec in enumerate(specs)]
    state, _ = judged("---\n".join(texts))
    assert state is not None
    return unchecked_policies(state)


def test_what_manifests_show_is_not_named():
    assert unchecked("{minSoak: 1d, maxWaiver: 1d, forbidWindowOverride: true}") == ()
    assert unchecked("{minApprovers: 1, approvers: {verified: false}}") == ()


def test_demand_of_several_policies_is_named_once():
    assert unchecked("{minApprovers: 1}", "{minApprovers: 2, sla: {critical: 3d}}") == (
        "approvals against signatures",
        "service levels",
    )
