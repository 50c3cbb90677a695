"""A site that asks for reviewed plans takes only these, however git brought them (S24)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.app.clock import FixedClock
from reconciler.cli.options import PlanForm
from reconciler.cli.review import ChangeAsked, show_change
from reconciler.cli.snapshot_file import SnapshotFile
from reconciler.engine.desire import Desire, Followed, renew
from reconciler.engine.governing import govern_by
from reconciler.engine.observer import Observer
from reconciler.engine.passes import Reconciler
from reconciler.engine.snapshots import Snapshot, save_snapshot
from reconciler.engine.status import FORCE, STATUS
from reconciler.model.reviewed import write_reviewed
from reconciler.model.updates import UpdateState
from reconciler.planning.plan import decide
from reconciler.planning.review.as_json import reviewed_json
from reconciler.planning.review.make import make_review
from reconciler.source.git import GitSource
from reconciler.store import Store
from tests.repositories import Repository
from tests.worlds import BASICS, HEADER, NOW, SITE, an_update, load_desired

REFERENCES, OTHERS = 20, 80
EDITED = BASICS.replace("deadline: 2d", "deadline: 3d")


def a_policy(spec="{tolerance: 10%}", more=""):
    demand = f"spec: {{requireReviewedPlan: {spec}{more}}}"
    return f"{HEADER}kind: Policy\nmetadata: {{name: bound}}\n{demand}\n"


def a_rollout(name):
    return (
        f"{HEADER}kind: Rollout\nmetadata: {{name: {name}}}\nspec: {{authorization: monthly, "
        "phases: [{name: all, collection: everybody, gate: {}}]}\n"
    )


class Site:
    """A site of a hundred computers that follows a repository."""

    def __init__(self, folder):
        self.repository = Repository(folder / "origin")
        self.store = Store(folder / "site.db")
        self.store.migrate()
        source = GitSource(str(self.repository.path), "main", "", folder / "work")
        self._followed = Followed(
            source, SITE, timedelta(hours=1), self.applied, govern_by(self.store, SITE)
        )
        self.desire = Desire()
        self._enrolled = 0

    def applied(self):
        with self.store.read() as view:
            return (view.documents.load(FORCE) or {}).get("applied", "")

    def enrol(self, count, **facts):
        with self.store.write() as work:
            for _ in range(count):
                self._enrolled += 1
                name = f"pc-{self._enrolled}"
                made = work.computers.enrol(name, name, NOW)
                known = {"os.release": "debian-12", "os.family": "debian", **facts}
                states = {an_update("app").id: UpdateState.MISSING}
                work.computers.save(
                    replace(made, facts=known, states=states, last_scan_at=NOW, scan_version=1)
                )

    def observed(self):
        return Observer(self.store).observe(fresh=True)

    def follow(self):
        """Read git and make the passes that it asks for."""
        reconciler = Reconciler(self.store, SITE, FixedClock(NOW), "host", timedelta(hours=1))
        reconciler.begin()
        self.desire = renew(self.desire, self._followed, NOW)
        reconciler.run_pass(self.desire)
        reconciler.end()

    def review(self, *manifests):
        """Give the lines of the review of manifests, as CI makes it of a snapshot."""
        desired = load_desired(*manifests)
        before = self.desire.in_force
        assert before is not None
        sides = (decide(one, self.observed(), SITE, NOW) for one in (before, desired))
        return write_reviewed(reviewed_json(make_review(*sides)))

    def status(self):
        with self.store.read() as view:
            return view.documents.load(STATUS)

    @property
    def in_force(self):
        return self.desire.in_force and self.desire.in_force.commit

    @property
    def refusal(self):
        return [(one.code, one.message) for one in self.desire.problems]


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    with made.store.write() as work:
        work.catalog.merge("lab", [an_update("app")], NOW)
    made.enrol(REFERENCES, ring="reference")
    made.enrol(OTHERS)
    made.repository.commit(m=BASICS, policy=a_policy())
    made.follow()
    assert made.refusal == []
    yield made
    made.store.close()


def branch(site, message, **files):
    """Commit on a branch, while main goes on with something that changes no manifest."""
    git = site.repository.git
    git("checkout", "--quiet", "-b", "change")
    site.repository.commit(message="Draft", README="")
    (site.repository.path / "README.yaml").unlink()
    site.repository.commit(message=message, **files)
    git("checkout", "--quiet", "main")
    (site.repository.path / "notes.txt").write_text("meanwhile")
    site.repository.commit(message="Note")


def merged(git):
    git("merge", "--quiet", "--no-ff", "--no-edit", "change")


def squashed(git):
    """Git proposes a message that quotes those of the branch, indented."""
    git("merge", "--quiet", "--squash", "change")
    git("commit", "--quiet", "--no-edit")


def rebased(git):
    git("rebase", "--quiet", "main", "change")
    git("checkout", "--quiet", "main")
    git("merge", "--quiet", "--ff-only", "change")


def fast_forwarded(git):
    git("reset", "--quiet", "--hard", "HEAD~1")
    git("merge", "--quiet", "--ff-only", "change")


WAYS = [merged, squashed, rebased, fast_forwarded]


@pytest.mark.parametrize("way", WAYS)
def test_reviewed_change_takes_force_however_it_is_merged(site, way):
    branch(site, f"Allow a day more\n\n{site.review(EDITED, a_policy())}", m=EDITED)
    way(site.repository.git)
    site.follow()

    assert site.refusal == []
    assert site.in_force == site.repository.git("rev-parse", "main")


@pytest.mark.parametrize("way", WAYS)
def test_other_change_than_was_reviewed_is_refused_however_it_is_merged(site, way):
    before = site.in_force
    another = BASICS.replace("deadline: 2d", "deadline: 1h")
    branch(site, f"Allow a day more\n\n{site.review(EDITED, a_policy())}", m=another)
    way(site.repository.git)
    site.follow()

    assert site.in_force == before
    ((code, message),) = site.refusal
    assert code == "PW2003"
    assert "Rollout monthly is changed to something else than was reviewed" in message
    (stalled,) = [one for one in site.status()["conditions"] if one["type"] == "Stalled"]
    assert (stalled["status"], stalled["reason"]) == ("True", "InvalidRevision")
    assert "Rollout monthly is changed to something else" in stalled["message"]


def test_change_without_a_review_is_refused(site):
    site.repository.commit(m=EDITED)
    site.follow()

    ((code, message),) = site.refusal
    assert code == "PW2003"
    assert message.endswith("asks: no commit since the last applied one says what was reviewed")


def test_commit_that_changes_nothing_needs_no_review(site):
    (site.repository.path / "notes.txt").write_text("more")
    site.repository.commit(message="Note", m=BASICS + "# a comment\n")
    site.follow()

    assert site.refusal == []


def test_digest_alone_holds_as_long_as_nothing_moves(site):
    digest, _, _ = site.review(BASICS, a_policy(), a_rollout("more")).partition("\n")
    site.repository.commit(message=f"More\n\n{digest}\n", more=a_rollout("more"))
    site.enrol(1)
    before = site.in_force
    site.follow()

    ((_, message),) = site.refusal
    assert "is not carried" in message
    assert site.in_force == before


class TestTolerance:
    """Of the 101 computers of the new rollout's phase a tenth may be others."""

    @pytest.fixture
    def reviewed(self, site):
        lines = site.review(BASICS, a_policy(), a_rollout("more"))
        site.repository.commit(message=f"More\n\n{lines}", more=a_rollout("more"))
        return site

    def test_plan_within_it_takes_force(self, reviewed):
        reviewed.enrol(11)
        reviewed.follow()

        assert reviewed.refusal == []

    def test_plan_beyond_it_is_refused_and_the_difference_told(self, reviewed):
        reviewed.enrol(12)
        reviewed.follow()

        ((_, message),) = reviewed.refusal
        assert "more/1/all: 112 computer(s) targeted, 100 reviewed" in message
        assert "more/1/all: 112 computer(s) newly targeted, 100 reviewed" in message

    def test_refused_plan_takes_force_when_it_is_as_reviewed_again(self, reviewed):
        reviewed.enrol(12)
        reviewed.follow()
        with reviewed.store.write() as work:
            for number in range(101, 113):
                computer = work.computers.named(f"pc-{number}")
                assert computer is not None
                work.computers.retire(computer.id, NOW)
        reviewed.follow()

        assert reviewed.refusal == []

    def test_new_update_is_no_matter_of_tolerance(self, reviewed):
        with reviewed.store.write() as work:
            work.catalog.merge("lab", [an_update("app"), an_update("new")], NOW)
        reviewed.follow()

        ((_, message),) = reviewed.refusal
        assert f"update {an_update('new').id} is added in more" in message


def test_two_reviewed_changes_that_come_at_once_are_held_against_both(site):
    git = site.repository.git
    for name in ("one", "two"):
        lines = site.review(BASICS, a_policy(), a_rollout(name))
        git("checkout", "--quiet", "-b", name, site.in_force)
        site.repository.commit(message=f"Add {name}\n\n{lines}", **{name: a_rollout(name)})
        git("checkout", "--quiet", "main")
    for name in ("one", "two"):
        git("merge", "--quiet", "--no-ff", "--no-edit", name)
    site.follow()

    assert site.refusal == []


def test_one_reviewed_change_brings_no_other_with_it(site):
    lines = site.review(BASICS, a_policy(), a_rollout("one"))
    site.repository.commit(message="Slip in", two=a_rollout("two"))
    site.repository.commit(message=f"Add one\n\n{lines}", one=a_rollout("one"))
    site.follow()

    ((_, message),) = site.refusal
    assert "Rollout two is added, which was not reviewed" in message


def test_policy_cannot_be_taken_away_unreviewed(site):
    (site.repository.path / "policy.yaml").unlink()
    site.repository.commit(message="Drop the policy")
    site.follow()
    assert [code for code, _ in site.refusal] == ["PW2003"]

    site.repository.git("reset", "--quiet", "--hard", "HEAD~1")
    (site.repository.path / "policy.yaml").unlink()
    site.repository.commit(message=f"Drop the policy\n\n{site.review(BASICS)}")
    site.follow()
    assert site.refusal == []


def test_policy_of_collections_asks_only_where_their_computers_are_concerned(site):
    limited = a_policy("{}", ", appliesTo: {collections: [reference]}")
    site.repository.commit(message=f"Limit\n\n{site.review(BASICS, limited)}", policy=limited)
    site.follow()
    assert site.refusal == []

    outside = (
        f"{HEADER}kind: Collection\nmetadata: {{name: few}}\nspec: {{computers: [pc-100]}}\n---\n"
        + a_rollout("few").replace("everybody", "few")
    )
    site.repository.commit(few=outside)
    site.follow()
    assert site.refusal == []

    site.repository.commit(all=a_rollout("all"))
    site.follow()
    assert [code for code, _ in site.refusal] == ["PW2003"]


def test_policy_of_collections_is_not_escaped_by_emptying_the_collection(site):
    limited = a_policy("{}", ", appliesTo: {collections: [reference]}")
    site.repository.commit(message=f"Limit\n\n{site.review(BASICS, limited)}", policy=limited)
    site.follow()
    assert site.refusal == []

    emptied = EDITED.replace("values: [reference]", "values: [nobody]")
    site.repository.commit(message="Empty it", m=emptied)
    site.follow()
    assert [code for code, _ in site.refusal] == ["PW2003"]

    site.repository.git("reset", "--quiet", "--hard", "HEAD~1")
    lines = site.review(emptied, limited)
    site.repository.commit(message=f"Empty it\n\n{lines}", m=emptied)
    site.follow()
    assert site.refusal == []


def test_forged_summary_counts_as_none(site):
    mine = site.review(EDITED, a_policy())
    theirs = site.review(BASICS, a_policy(), a_rollout("more"))
    digest, summary = mine.partition("\n")[0], theirs.partition("\n")[2]
    site.repository.commit(message=f"More\n\n{digest}\n{summary}", more=a_rollout("more"))
    site.follow()

    ((_, message),) = site.refusal
    assert "is not carried" in message


class TestFromPullRequestToSite:
    """What CI writes of a snapshot is what the site asks for, and a failed policy is said there."""

    @pytest.fixture
    def show(self, site, tmp_path, capsys):
        """Give what `patchwright plan --base main --head change` prints, and its exit code."""
        file, _ = save_snapshot(
            Snapshot(site.observed(), SITE, NOW, site.in_force, NOW), tmp_path / "site.snapshot"
        )

        def run(form):
            asked = ChangeAsked(
                site.repository.path,
                "main",
                "change",
                tmp_path,
                SnapshotFile(file, now=NOW),
                "0s",
                NOW,
            )
            capsys.readouterr()
            code = show_change(asked, form)
            return code, capsys.readouterr().out

        return run

    def test_trailer_of_the_plan_is_what_the_site_asks_for(self, site, show):
        git = site.repository.git
        branch(site, "More", more=a_rollout("more"))
        code, lines = show(PlanForm.TRAILER)
        git("merge", "--quiet", "--no-ff", f"--message=Add more\n\n{lines}", "change")
        site.follow()

        assert code == 2
        assert site.refusal == []
        assert site.in_force == git("rev-parse", "main")

    def test_comment_holds_the_lines_where_a_policy_asks_for_them(self, site, show):
        branch(site, "More", more=a_rollout("more"))
        _, lines = show(PlanForm.TRAILER)

        assert lines in show(PlanForm.MARKDOWN)[1]

    def test_comment_says_which_policy_the_fleet_fails(self, site, show):
        limit = a_policy("{}", ", maxNewlyTargetedPerDay: 50")
        branch(site, "More", more=a_rollout("more"), policy=limit)
        code, comment = show(PlanForm.MARKDOWN)

        assert code == 1
        assert "refused" in comment
        assert 'phase "all" targets 100 computers at once' in comment
