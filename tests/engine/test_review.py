"""`patchwright plan --base --head`: a pull request of a real repository, against a snapshot."""

import json

import pytest

from reconciler.cli.options import PlanForm
from reconciler.cli.review import (
    CHANGES_PENDING,
    NOTHING_TO_DO,
    REFUSED,
    ChangeAsked,
    show_change,
)
from reconciler.cli.snapshot import Export, export_snapshot, show_key, tell_who
from reconciler.cli.snapshot_file import PINNED_KEY, SnapshotFile
from reconciler.model.errors import ManifestError, SnapshotError, SourceError, StaleSnapshotError
from reconciler.model.updates import UpdateState
from tests.engine.test_replay import Site
from tests.worlds import BASICS, NOW, an_update

NARROWER = BASICS.replace("query: {all: true}", "query: {fact: role, op: In, values: [web]}")
LATER = NOW.replace(day=10)


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    made.enrol("ref-1", ring="reference", hostname="ref-1", role="web")
    for number in range(4):
        made.enrol(f"web-{number}", hostname=f"web-{number}", role="web" if number else "mail")
    made.publish(an_update("app"))
    made.scan(UpdateState.MISSING)
    made.reconcile(NOW)
    yield made
    made.store.close()


@pytest.fixture
def snapshot(site, tmp_path, capsys):
    path = tmp_path / "site.snapshot"
    export_snapshot(site.home.folder, Export(path, names=False, matchable=False, now=NOW), "json")
    capsys.readouterr()
    return path


@pytest.fixture
def show(site, snapshot, capsys):
    """Show a change of the site's repository; gives the exit code and what was printed."""

    def run(form=PlanForm.JSON, *, head="HEAD", until="0s", now=None, **trust):
        file = SnapshotFile(snapshot, now=now or NOW, **trust)
        folder = site.repository.path
        nowhere = folder / "no-site"
        code = show_change(ChangeAsked(folder, "main", head, nowhere, file, until, now), form)
        return code, capsys.readouterr().out

    return run


def change(site, text):
    site.repository.git("checkout", "--quiet", "-B", "change", "main")
    return site.repository.commit(all=text)


def pin(site, key):
    site.repository.git("checkout", "--quiet", "main")
    path = site.repository.path / PINNED_KEY
    path.parent.mkdir(exist_ok=True)
    path.write_text(key)
    site.repository.commit(message="pin", all=BASICS)


def key_of(site, capsys):
    show_key(site.home.folder)
    return capsys.readouterr().out


def test_change_is_shown_without_the_site(site, show):
    change(site, NARROWER)
    code, printed = show(until="5d")

    told = json.loads(printed)
    assert code == CHANGES_PENDING
    assert told["totals"]["noLongerTargeted"] == 1
    assert [(one["phase"], one["noLonger"]) for one in told["phases"]] == [("rest", 1)]
    assert told["forecast"]["releases"][0]["rollout"] == "monthly"


def test_same_change_is_the_same_bytes(site, show):
    change(site, NARROWER)

    assert show() == show()


def test_change_of_a_comment_changes_nothing(site, show):
    change(site, f"# only words\n{BASICS}")
    code, printed = show(PlanForm.MARKDOWN)

    assert code == NOTHING_TO_DO
    assert "this changes nothing" in printed


def test_merge_with_a_base_that_went_on_is_planned(site, show):
    change(site, f"{BASICS}# at the end\n".replace("deadline: 2d", "deadline: 3d"))
    site.repository.git("checkout", "--quiet", "main")
    site.repository.commit(
        all=BASICS.replace("code: PWR, mode: enforce", "mode: enforce, code: PWR")
    )
    _, printed = show(head="change")

    assert [one["name"] for one in json.loads(printed)["documents"]] == ["monthly"]


def test_conflict_is_a_clear_error(site, show):
    change(site, BASICS.replace("deadline: 2d", "deadline: 3d"))
    site.repository.git("checkout", "--quiet", "main")
    site.repository.commit(all=BASICS.replace("deadline: 2d", "deadline: 5d"))

    with pytest.raises(SourceError, match=r"conflicts with its base in all\.yaml"):
        show(head="change")


def test_broken_manifests_are_shown_in_the_comment(site, show):
    change(site, BASICS.replace("collection: everybody", "collection: nobody"))
    code, printed = show(PlanForm.MARKDOWN)

    assert code == REFUSED
    assert "refused" in printed
    assert "nobody" in printed
    assert json.loads(show(PlanForm.JSON)[1])["problems"][0]["code"].startswith("PW1")


def test_base_that_is_not_valid_has_nothing_to_compare_with(site, show):
    site.repository.commit(all=BASICS.replace("collection: everybody", "collection: nobody"))
    change(site, BASICS)

    with pytest.raises(ManifestError):
        show()


def test_comment_holds_no_name_of_a_computer_and_the_site_tells_it(site, show, capsys):
    change(site, NARROWER)
    _, printed = show(PlanForm.MARKDOWN)
    pseudonym = printed.partition("no longer: `")[2].partition("`")[0]

    assert "web-" not in printed
    tell_who(site.home.folder, [pseudonym], "json")
    assert json.loads(capsys.readouterr().out) == {pseudonym: "web-0"}
    with pytest.raises(SnapshotError, match="has the pseudonym"):
        tell_who(site.home.folder, ["h-0000000000000000"], "text")


def test_new_named_computer_is_told_as_not_known(site, show):
    change(site, BASICS.replace("query: {all: true}", "computers: [web-1]"))
    _, printed = show(PlanForm.MARKDOWN)

    assert "Not known here" in printed
    assert "web-1" in printed


def test_pinned_key_of_the_base_is_asked(site, show, capsys):
    pin(site, key_of(site, capsys))
    change(site, NARROWER)
    assert "signed by it" in show(PlanForm.MARKDOWN)[1]

    pin(site, "0" * 64)
    change(site, NARROWER)
    with pytest.raises(SnapshotError, match="not signed by the site whose key is pinned"):
        show()


def test_change_cannot_bring_the_key_of_its_own_snapshot(site, show, capsys):
    pin(site, "0" * 64)
    change(site, NARROWER)
    (site.repository.path / PINNED_KEY).write_text(key_of(site, capsys))
    site.repository.commit(message="pin mine")

    with pytest.raises(SnapshotError, match="not signed by the site whose key is pinned"):
        show()


def test_file_that_holds_no_key_is_an_error(show, tmp_path):
    (tmp_path / "key").write_text("ssh-ed25519 AAAA\n")

    with pytest.raises(SnapshotError, match="holds no Ed25519 public key"):
        show(key=tmp_path / "key")


def test_old_snapshot_is_refused(site, show):
    change(site, NARROWER)

    assert show(max_age="9d", now=LATER)[0] == CHANGES_PENDING
    with pytest.raises(StaleSnapshotError):
        show(max_age="1d", now=LATER)


def test_text_form_is_readable_without_markup(site, show):
    change(site, NARROWER)

    assert "<details>" not in show(PlanForm.TEXT)[1]
