"""From test to production (F2): what is taken over, what stays, and on which evidence."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.app.home import make_home
from reconciler.app.settings import Settings, SourceSettings
from reconciler.cli.edited import Edit, link_folder
from reconciler.cli.promote import Asked, promote
from reconciler.engine.status import STATUS
from reconciler.model.errors import ProposalError
from reconciler.model.rollouts import Release, ReleasedUpdate
from reconciler.model.times import render_instant
from reconciler.source.folder import read_folder
from tests.corpora import document
from tests.worlds import BASICS, NOW, an_update

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
    def call(name="monthly", *phases, force="", evidence=True, updates=None, as_query=False):
        path = folders / "status.json"
        told = {"phases": list(phases or [PHASE]), "revision": {"applied": "c" * 40}}
        if updates is not None:
            told["releases"] = [
                {"rollout": "monthly", "release": 1, "updates": ["old"]},
                {"rollout": "monthly", "release": 2, "updates": updates},
            ]
        path.write_text(json.dumps(told), encoding="utf-8")
        told_by = path if evidence else None
        asked = Asked(name, folders / "test", None, told_by, force, as_query)
        code = promote(Edit(folders / "production", NOW, write=True, output="json"), asked)
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

    code, told = run()
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


class TestPin:
    """What is installed is what was tried, whatever a query finds by then."""

    UPDATES = ("deb:Lab/security/app/1.1", "deb:Lab/security/lib/1.1")

    def authorized(self, folders):
        return link_folder(read_folder(folders / "production"), NOW).authorizations["monthly"]

    def test_authorization_allows_the_updates_of_the_release_alone(self, folders, run):
        _, told = run(updates=self.UPDATES)

        assert self.authorized(folders).document.spec.only == self.UPDATES
        assert "Pinned to the 2 update(s) of that release" in told["text"]
        assert any("is pinned to the 2 update(s) of release 2" in one for one in told["notes"])

    @pytest.mark.parametrize(
        "spec",
        [
            "{group: rollup, except: [bad]}",
            "{except: [bad], group: rollup}",
            "{except: [bad, worse], change: CHG1, group: rollup}",
            "{group: rollup, only: [a, b]}",
            "\n  group: rollup # the mainline\n  except:\n    - bad\n    - worse\n  change: CHG1",
            "\n  except: [bad]\n  group: rollup # the mainline",
            "\n  group: rollup # the mainline\n  except:\n  - bad",
        ],
    )
    def test_what_was_left_out_by_name_gives_way(self, folders, run, spec):
        tried = BASICS.replace("spec: {group: rollup}", f"spec: {spec}")
        (folders / "test" / "all.yaml").write_text(tried, encoding="utf-8")
        run(updates=self.UPDATES)

        found = self.authorized(folders).document.spec
        assert (found.only, found.except_, found.group) == (self.UPDATES, (), "rollup")
        assert ("# the mainline" in production(folders)) == ("# the mainline" in spec)
        assert (found.change == "CHG1") == ("CHG1" in spec)

    def test_next_promotion_pins_the_next_release(self, folders, run):
        run(updates=self.UPDATES[:1])
        run(updates=self.UPDATES)
        assert self.authorized(folders).document.spec.only == self.UPDATES

        _, told = run(updates=self.UPDATES)
        assert told["files"] == {}

    def test_queries_are_taken_over_on_demand(self, folders, run):
        _, told = run(updates=self.UPDATES, as_query=True)

        assert self.authorized(folders).document.spec.only is None
        assert "Pinned" not in told["text"]

    def test_evidence_that_does_not_tell_updates_pins_nothing_and_says_so(self, folders, run):
        _, told = run()

        assert self.authorized(folders).document.spec.only is None
        assert any("is not pinned" in one for one in told["notes"])


def test_evidence_of_a_site_is_its_status_with_what_its_releases_hold(folders, site, capsys):
    """The whole way: a site that tried it, and the folder that takes it over."""
    asked = Asked("monthly", folders / "test", site, None, "")
    code = promote(Edit(folders / "production", NOW, write=True, output="json"), asked)

    assert code == 0
    assert "1 of 1 computers comply" in json.loads(capsys.readouterr().out)["text"]
    found = link_folder(read_folder(folders / "production"), NOW).authorizations["monthly"]
    assert found.document.spec.only == (an_update("app").id,)


@pytest.fixture
def site(tmp_path):
    """A site on which the release succeeded."""
    settings = Settings(name="main", code="PWR", source=SourceSettings(url="/nowhere"))
    home = make_home(tmp_path / "site", settings)
    store = home.open_store()
    release = Release("monthly", 1, 1, (ReleasedUpdate(an_update("app").id, 1),), NOW)
    retired = replace(release, number=2, retired=True)
    phase = PHASE | {"release": 1, "target": 1, "compliant": 1}
    with store.write() as work:
        work.records.put(release)
        work.records.put(retired)
        work.documents.save(STATUS, {"phases": [phase], "revision": {"applied": "c" * 40}})
    store.close()
    return home.folder
