"""From a snapshot to `apply`: what was reviewed takes force, and only that, however merged."""

import pytest

from reconciler.app.clock import SystemClock
from reconciler.app.home import make_home
from reconciler.app.settings import Settings, SourceSettings
from reconciler.cli.apply import apply_once
from reconciler.cli.options import PlanForm
from reconciler.cli.review import ChangeAsked, show_change
from reconciler.cli.snapshot import Export, export_snapshot
from reconciler.cli.snapshot_file import SnapshotFile
from reconciler.engine.status import FORCE
from reconciler.model.errors import ManifestError
from tests.engine.test_reviewed_plan import EDITED, WAYS, a_policy
from tests.repositories import Repository
from tests.worlds import BASICS, an_update


class Applied:
    """A site on disk, and a repository in which a policy asks for reviewed plans."""

    def __init__(self, folder):
        self.folder = folder
        self.repository = Repository(folder / "fleet")
        self.repository.commit(all=BASICS, policy=a_policy())
        source = SourceSettings(url=str(self.repository.path))
        self.home = make_home(folder / "site", Settings(name="main", code="PWR", source=source))
        now = SystemClock().now()
        self.store = self.home.open_store()
        with self.store.write() as work:
            work.catalog.merge("lab", [an_update("app")], now)
            for name in ("one", "two", "three"):
                work.computers.enrol(name, name, now)
        self.apply()

    def apply(self):
        return apply_once(self.home.folder, "json")

    @property
    def in_force(self):
        with self.store.read() as view:
            return (view.documents.load(FORCE) or {}).get("applied")

    def propose(self, text):
        """Commit on a branch, while the main one goes on with something else."""
        git = self.repository.git
        git("checkout", "--quiet", "-b", "change")
        self.repository.commit(message="Change", all=text)
        git("checkout", "--quiet", "main")

    def reword(self, lines):
        """Take what a review printed into the message of the branch's commit."""
        git = self.repository.git
        git("checkout", "--quiet", "change")
        git("commit", "--quiet", "--amend", f"--message=Change\n\n{lines}")
        git("checkout", "--quiet", "main")
        (self.repository.path / "notes.txt").write_text("meanwhile")
        self.repository.commit(message="Note")


@pytest.fixture
def applied(tmp_path):
    made = Applied(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def review(applied, capsys):
    """Print the trailer of the branch as CI does: of a snapshot, without the site."""

    def run():
        file = applied.folder / "site.snapshot"
        export = Export(file, names=False, matchable=False, now=None)
        export_snapshot(applied.home.folder, export, "text")
        asked = ChangeAsked(
            applied.repository.path,
            "main",
            "change",
            applied.folder / "nowhere",
            SnapshotFile(file),
            "0s",
            None,
        )
        capsys.readouterr()
        assert show_change(asked, PlanForm.TRAILER) == 2
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("way", WAYS)
def test_reviewed_branch_is_applied_however_it_is_merged(applied, review, way):
    applied.propose(EDITED)
    applied.reword(review())
    way(applied.repository.git)

    assert applied.apply() == 0
    assert applied.in_force == applied.repository.git("rev-parse", "main")


@pytest.mark.parametrize("way", WAYS)
def test_branch_that_went_on_after_its_review_is_not_applied(applied, review, way):
    applied.propose(EDITED)
    lines, before = review(), applied.in_force
    applied.repository.git("checkout", "--quiet", "change")
    applied.repository.commit(message="x", all=BASICS.replace("deadline: 2d", "deadline: 1h"))
    applied.repository.git("reset", "--quiet", "--soft", "HEAD~2")
    applied.repository.git("commit", "--quiet", "--message=Change")
    applied.reword(lines)
    way(applied.repository.git)

    with pytest.raises(ManifestError) as refused:
        applied.apply()

    (problem,) = [one for one in refused.value.problems if one.code == "PW2003"]
    assert "Rollout monthly is changed to something else than was reviewed" in problem.message
    assert applied.in_force == before
