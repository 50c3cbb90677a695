"""Ready changes of manifests: what they hold, and what they leave alone."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.app.home import make_home
from reconciler.app.settings import Settings, SourceSettings
from reconciler.cli.edited import Edit, write_all
from reconciler.cli.propose import Asked, propose_fold, propose_revert, propose_updates
from reconciler.engine.status import STATUS
from reconciler.model.codec import encode
from reconciler.model.errors import CatalogError, ProposalError, SourceError
from reconciler.model.updates import UpdateSeverity, UpdateState
from tests.corpora import document
from tests.repositories import Repository
from tests.worlds import BASICS, NOW, an_update

pytestmark = pytest.mark.timeout(30)
GROUP = (
    "# head\n---\napiVersion: patchwright.dev/v1alpha1\nkind: UpdateGroup\n"
    "metadata: {name: mainline} # here\nspec:\n  type: rollup\n  {}\n  maxRuntime: 1h # why\n"
)
LISTS = {
    "block": ("updates:\n    - a # first\n    - b", '    - b\n    - "new"\n'),
    "flow": ("updates: [a, b] # two", 'updates: [a, b, "new"] # two\n'),
    "none": ("query: {product: [x]}", '  updates: ["new"]\n  query: {product: [x]}\n'),
    "empty": ("updates: []\n  query: {product: [x]}", '  updates: ["new"]\n'),
}
EMERGENCY = document(
    "EmergencyChange",
    "storm",
    "{bulletin: B1, updates: [new], reference: everybody, production: [everybody],"
    " foldInto: mainline}",
)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "manifests"
    made.mkdir()
    (made / "basics.yaml").write_text(BASICS, encoding="utf-8")
    return made


def run(work, folder, *asked, write=False, capsys=None):
    code = work(Edit(folder, NOW, write, "json"), *asked)
    return code, json.loads(capsys.readouterr().out) if capsys is not None else None


@pytest.mark.parametrize("layout", sorted(LISTS))
def test_fold_adds_to_the_list_as_it_is_laid_out_and_keeps_all_else(folder, layout):
    present, expected = LISTS[layout]
    before = GROUP.replace("{}", present, 1)
    (folder / "group.yaml").write_text(before, encoding="utf-8")
    (folder / "storm.yaml").write_text(EMERGENCY, encoding="utf-8")

    assert run(propose_fold, folder, "storm", None, write=True)[0] == 0

    after = (folder / "group.yaml").read_text(encoding="utf-8")
    assert expected in after
    assert {line.strip() for line in before.splitlines() if "#" in line} <= {
        line.strip().replace(', "new"]', "]") for line in after.splitlines()
    }
    assert not (folder / "storm.yaml").exists()


def test_fold_takes_only_the_emergency_out_of_its_file(folder):
    (folder / "group.yaml").write_text(GROUP.replace("{}", LISTS["flow"][0], 1), encoding="utf-8")
    other = "# of the other\n" + document("Collection", "other", "{computers: [a]}")
    (folder / "storm.yaml").write_text(f"{EMERGENCY}---\n{other}", encoding="utf-8")

    run(propose_fold, folder, "storm", None, write=True)

    assert (folder / "storm.yaml").read_text(encoding="utf-8") == other


def test_fold_is_only_shown_without_write(folder, capsys):
    (folder / "group.yaml").write_text(GROUP.replace("{}", LISTS["flow"][0], 1), encoding="utf-8")
    (folder / "storm.yaml").write_text(EMERGENCY, encoding="utf-8")

    code, told = run(propose_fold, folder, "storm", None, capsys=capsys)

    assert code == 2
    assert told["files"]["storm.yaml"] is None
    assert (folder / "storm.yaml").exists()


@pytest.mark.parametrize(
    ("group", "emergency", "why"),
    [
        ("exclude: [new]\n  updates: [a]", EMERGENCY, "excludes new"),
        ("updates: [a]", EMERGENCY.replace(" foldInto: mainline", ""), "no foldInto"),
        ("updates: [a]", "# nothing\n" + document("Collection", "x", "{}"), "no EmergencyChange"),
    ],
)
def test_fold_that_would_mean_nothing_is_refused(folder, group, emergency, why):
    (folder / "group.yaml").write_text(GROUP.replace("{}", group, 1), encoding="utf-8")
    (folder / "storm.yaml").write_text(emergency, encoding="utf-8")

    with pytest.raises(ProposalError, match=why):
        run(propose_fold, folder, "storm", None)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path / "origin")


LAB = document("Collection", "lab", "{computers: [a]}")


def test_revert_undoes_one_commit_and_keeps_what_came_later(repository):
    text = "\n".join(f"# line {number}" for number in range(20)) + "\n" + LAB
    repository.commit(sub__a=text)
    repository.commit(sub__a=text.replace("# line 2\n", "# two\n"), sub__b=LAB.replace("lab", "b"))
    name = repository.git("rev-parse", "HEAD")
    repository.commit(sub__a=text.replace("# line 2\n", "# two\n") + "# end\n")
    folder = repository.path / "sub"

    assert run(propose_revert, folder, name[:10], write=True)[0] == 0
    assert (folder / "a.yaml").read_text(encoding="utf-8") == text + "# end\n"
    assert not (folder / "b.yaml").exists()


def test_revert_of_a_merge_undoes_what_it_brought(repository):
    repository.commit(a=LAB)
    repository.git("checkout", "--quiet", "-b", "change")
    repository.commit(b=LAB.replace("lab", "b"))
    repository.git("checkout", "--quiet", "main")
    repository.git("merge", "--quiet", "--no-ff", "--message=merge", "change")

    run(propose_revert, repository.path, "HEAD", write=True)

    assert not (repository.path / "b.yaml").exists()


def test_revert_brings_back_what_the_commit_removed(repository):
    repository.commit(a=LAB, b=LAB.replace("lab", "b"))
    repository.git("rm", "--quiet", "b.yaml")
    repository.commit()

    run(propose_revert, repository.path, "HEAD", write=True)

    assert (repository.path / "b.yaml").is_file()


def test_conflict_is_an_error_and_nothing_is_written(repository):
    repository.commit(a=LAB)
    repository.commit(a=LAB.replace("[a]", "[b]"))
    repository.commit(a=LAB.replace("[a]", "[c]"))

    with pytest.raises(ProposalError, match="same lines"):
        run(propose_revert, repository.path, "HEAD~1", write=True)
    assert "[c]" in (repository.path / "a.yaml").read_text(encoding="utf-8")


def test_revert_that_would_break_a_reference_is_refused(repository):
    repository.commit(a=LAB)
    repository.commit(b=LAB.replace("lab", "b"))
    repository.commit(c=document("Collection", "c", "{include: [b]}"))

    with pytest.raises(ProposalError, match="not be valid"):
        run(propose_revert, repository.path, "HEAD~1", write=True)
    assert (repository.path / "b.yaml").is_file()


@pytest.mark.parametrize("name", ["nothing", "--output=x", "HEAD"])
def test_first_and_unknown_commits_are_errors(repository, name):
    repository.commit(a=LAB)

    with pytest.raises((ProposalError, SourceError)):
        run(propose_revert, repository.path, name)


@pytest.fixture
def catalog(tmp_path):
    def write(*updates):
        path = tmp_path / "catalog"
        path.mkdir()
        for update in updates:
            text = json.dumps({"update": encode(update)})
            (path / f"{update.product}.json").write_text(text, encoding="utf-8")
        return path

    return write


def new(name, **changes):
    made = {
        "released_at": NOW - timedelta(days=1),
        "severity": UpdateSeverity.CRITICAL,
        "classification": "bugfix",
        "id": f"LAB-{name}",
        "location": "https://deb.example/",
        "title": f"{name} mended",
        "cves": ("CVE-2026-1",),
        **changes,
    }
    return an_update(name, **made)


def propose(folder, catalog, capsys, **changes):
    asked = {
        "since": timedelta(days=7),
        "severity": ">=important",
        "name": "",
        "strategy": "",
        **changes,
    }
    return run(propose_updates, folder, Asked(catalog, **asked), capsys=capsys)


def test_new_update_that_nobody_decided_on_is_proposed_with_title_and_cves(folder, catalog, capsys):
    code, told = propose(folder, catalog(new("curl")), capsys)

    (text,) = told["files"].values()
    assert code == 2
    assert list(told["files"]) == ["proposals/proposed-2026-03-02.yaml"]
    assert "# curl 1.1: curl mended\n    # critical, new 2026-03-01, CVE-2026-1\n" in text
    assert '- "LAB-curl"' in text
    assert "| `curl 1.1` | critical | `CVE-2026-1` | not known |" in told["text"]


@pytest.mark.parametrize(
    "changes",
    [
        {"released_at": NOW - timedelta(days=8)},
        {"severity": UpdateSeverity.LOW},
        {"classification": "security"},  # the rollup authorizes those
    ],
)
def test_old_mild_and_authorized_updates_are_not_proposed(folder, catalog, capsys, changes):
    code, told = propose(folder, catalog(new("curl", **changes)), capsys)

    assert (code, told["files"]) == (0, {})


def test_update_without_a_severity_is_left_out_and_that_is_said(folder, catalog, capsys):
    code, told = propose(folder, catalog(new("curl", severity=UpdateSeverity.UNSET)), capsys)

    (note,) = told["notes"]
    assert (code, told["files"]) == (0, {})
    assert note.startswith("1 new update(s) are left out: no source tells their severity")


@pytest.mark.parametrize("released_at", [NOW - timedelta(days=30), None])
def test_update_is_new_to_the_site_that_sees_it_first(folder, site, capsys, released_at):
    code, told = propose(folder, site(new("curl", released_at=released_at)), capsys)

    (text,) = told["files"].values()
    assert code == 2
    assert "# critical, new 2026-03-02, CVE-2026-1" in text


def test_rejected_update_is_not_proposed_again(folder, catalog, capsys):
    update = new("curl")
    spec = f'{{updates: ["{update.id}"], reason: bad, by: x}}'
    (folder / "r.yaml").write_text(document("Rejection", "r", spec), encoding="utf-8")

    assert propose(folder, catalog(update), capsys)[0] == 0


def test_title_cannot_leave_its_comment(folder, catalog, capsys):
    _, told = propose(folder, catalog(new("curl", title="x\n---\nkind: Site")), capsys)

    (text,) = told["files"].values()
    assert "\n---\nkind: Site" not in text


def test_files_are_written_all_or_none(tmp_path):
    (tmp_path / "a.yaml").write_text("old", encoding="utf-8")
    (tmp_path / "z.yaml").mkdir()
    (tmp_path / "z.yaml" / "inside").write_text("x", encoding="utf-8")

    with pytest.raises(ProposalError):
        write_all(tmp_path, {"a.yaml": b"new", "z.yaml": b"new"})

    assert (tmp_path / "a.yaml").read_text(encoding="utf-8") == "old"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.yaml", "z.yaml"]


@pytest.fixture
def site(tmp_path):
    """Make a site that knows updates, computers that miss them, and how its emergency stands."""

    def made(*updates, missing=0, state=None):
        settings = Settings(name="main", code="PWR", source=SourceSettings(url="/nowhere"))
        home = make_home(tmp_path / "site", settings)
        store = home.open_store()
        with store.write() as work:
            work.catalog.merge("lab", updates, NOW)
            for number in range(missing):
                one = work.computers.enrol(f"pc-{number}", f"hw-{number}", NOW)
                states = {update.id: UpdateState.MISSING for update in updates}
                work.computers.save(replace(one, states=states, last_scan_at=NOW))
            steps = [{"state": state, "at": "2026-03-01T00:00:00Z", "evidence": "x"}]
            told = {"rollout": "EmergencyChange/storm", "steps": steps}
            work.documents.save(STATUS, {"emergencies": [told] if state else []})
        store.close()
        return home.folder

    return made


def test_proposal_by_a_site_tells_how_many_computers_lack_each_update(folder, site, capsys):
    code, told = propose(folder, site(new("curl"), missing=3), capsys)

    (text,) = told["files"].values()
    assert code == 2
    assert "missing on 3 computers" in text
    assert "| `curl 1.1` | critical | `CVE-2026-1` | 3 |" in told["text"]


def test_folder_that_is_no_site_is_no_catalog_of_one(folder, tmp_path, capsys):
    with pytest.raises(CatalogError):
        propose(folder, tmp_path / "nowhere", capsys)


@pytest.fixture
def stormy(folder):
    group = GROUP.replace("{}", "updates: [a]").removeprefix("# head\n")
    (folder / "storm.yaml").write_text(EMERGENCY + group, encoding="utf-8")
    return folder


@pytest.mark.parametrize("state", ["Folding", "Retired"])
def test_emergency_at_its_end_is_folded(stormy, site, capsys, state):
    code, told = run(propose_fold, stormy, "storm", site(state=state), capsys=capsys)

    assert code == 2
    assert '"new"' in told["files"]["storm.yaml"]
    assert told["notes"] == []


@pytest.mark.parametrize(("state", "why"), [("Verifying", "Verifying"), (None, "not begun")])
def test_emergency_that_is_not_at_its_end_is_not_folded(stormy, site, state, why):
    with pytest.raises(ProposalError, match=f"its state is {why}"):
        run(propose_fold, stormy, "storm", site(state=state))
