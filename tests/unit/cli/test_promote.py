"""From test to production (F2): what is taken over, what stays, and on which evidence."""

import json
from datetime import timedelta

import pytest

from reconciler.cli.edited import Edit
from reconciler.cli.promote import Asked, promote
from reconciler.model.errors import ProposalError
from reconciler.model.times import render_instant
from tests.corpora import document
from tests.worlds import BASICS, NOW

pytestmark = pytest.mark.timeout(30)
PRODUCTION = (
    "# production\n"
    + BASICS.lstrip("\n").split("---\napiVersion: patchwright.dev/v1alpha1\nkind: UpdateGroup")[0]
)
PHASE = {
    "rollout": "monthly", "release": 2, "phase": "first", "state": "succeeded", "passage": "gate",
    "target": 5, "compliant": 5, "missing": 0, "unknown": 0, "failed": 0, "unreachable": 0,
    "waived": 0, "openedAt": render_instant(NOW - timedelta(days=3)),
}  # fmt: skip


@pytest.fixture
def folders(tmp_path):
    for name, text in (("test", BASICS), ("production", PRODUCTION)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "all.yaml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(folders, capsys):
    def call(name="monthly", *phases, force="", write=True, evidence=True):
        path = folders / "status.json"
        told = {"phases": list(phases or [PHASE]), "revision": {"applied": "c" * 40}}
        path.write_text(json.dumps(told), encoding="utf-8")
        asked = Asked(name, folders / "test", None, path if evidence else None, force)
        code = promote(Edit(folders / "production", NOW, write, "json"), asked)
        return code, json.loads(capsys.readouterr().out)

    return call


def production(folders):
    return (folders / "production" / "all.yaml").read_text(encoding="utf-8")


def test_rollout_comes_with_its_authorization_and_group_and_leaves_the_rest_alone(folders, run):
    code, told = run()

    after = production(folders)
    assert code == 0
    assert after.startswith(PRODUCTION)
    assert [after.count(f"kind: {one}\n") for one in ("Rollout", "Authorization")] == [1, 1]
    assert "| `first` | succeeded | 72 h | 5 | 5 | 0 | 0 | 0 |" in told["text"]
    assert "5 of 5 computers comply, 0 failed" in told["text"]


def test_second_promotion_of_the_same_is_nothing(run):
    run()

    code, told = run(write=False)
    assert (code, told["files"]) == (0, {})


def test_what_the_authorization_holds_follows_and_the_target_keeps_its_own_phases(folders, run):
    run()
    own = production(folders).replace("soak: 1h}", "soak: 9d} # ours")
    (folders / "production" / "all.yaml").write_text(own, encoding="utf-8")
    tried = BASICS.replace("spec: {group: rollup}", "spec: {group: rollup, except: [bad]}")
    (folders / "test" / "all.yaml").write_text(tried, encoding="utf-8")

    run()

    assert "except: [bad]" in production(folders)
    assert "soak: 9d} # ours" in production(folders)


@pytest.mark.parametrize(
    "changes", [{"state": "open"}, {"state": "halted"}, {"passage": "skipped"}, {"target": 0}]
)
def test_rollout_that_has_not_succeeded_is_refused_unless_forced(folders, run, changes):
    with pytest.raises(ProposalError, match="has not succeeded"):
        run("monthly", {**PHASE, **changes})
    assert production(folders) == PRODUCTION

    _, told = run("monthly", {**PHASE, **changes}, force="the fix cannot wait")
    assert "**Forced**: the fix cannot wait" in told["text"]


def test_without_evidence_it_is_refused(run):
    with pytest.raises(ProposalError, match="no evidence"):
        run(evidence=False)


def test_newest_release_is_what_counts(run):
    with pytest.raises(ProposalError, match="phase first is open"):
        run("monthly", PHASE, {**PHASE, "release": 3, "state": "open"})


def test_unknown_rollout_is_an_error_that_names_the_known(run):
    with pytest.raises(ProposalError) as caught:
        run("yearly")
    assert "monthly" in caught.value.hint


def test_collection_that_the_target_lacks_is_named_and_nothing_is_written(folders, run):
    bare = document("Site", "main", "{code: PWR}")
    (folders / "production" / "all.yaml").write_text(bare, encoding="utf-8")

    with pytest.raises(ProposalError, match="reference"):
        run()
    assert production(folders) == bare


def test_evidence_that_is_no_status_is_an_error(folders):
    path = folders / "status.json"
    path.write_text("[]", encoding="utf-8")
    asked = Asked("monthly", folders / "test", None, path, "")

    with pytest.raises(ProposalError, match="no status"):
        promote(Edit(folders / "production", NOW, write=False, output="json"), asked)
