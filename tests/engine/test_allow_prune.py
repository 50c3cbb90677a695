"""A real repository, a real store: what left git retires when a commit says how much (S23)."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.app.clock import FixedClock
from reconciler.engine.desire import Desire, Followed, renew
from reconciler.engine.passes import Reconciler
from reconciler.engine.status import FORCE, STATUS
from reconciler.model.messages import FactValue
from reconciler.model.updates import UpdateState
from reconciler.source.git import GitSource
from reconciler.store import Store
from tests.repositories import Repository
from tests.worlds import BASICS, NOW, SITE, an_update

HEAD = BASICS[: BASICS.index("---\napiVersion: patchwright.dev/v1alpha1\nkind: Rollout")]


def manifests_of(count):
    return HEAD + "".join(
        f"---\napiVersion: patchwright.dev/v1alpha1\nkind: Rollout\nmetadata: {{name: r{number}}}\n"
        "spec: {authorization: monthly, phases: [{name: all, collection: everybody}]}\n"
        for number in range(count)
    )


class Following:
    """A site that follows a repository, one pass at a time."""

    def __init__(self, folder):
        self.repository = Repository(folder / "origin")
        self.store = Store(folder / "site.db")
        self.store.migrate()
        self._source = GitSource(str(self.repository.path), "main", "", folder / "work")
        self._followed = Followed(self._source, SITE, timedelta(hours=1), self.applied)
        self.desire = Desire()

    def applied(self):
        with self.store.read() as view:
            return (view.documents.load(FORCE) or {}).get("applied", "")

    def enrol(self):
        with self.store.write() as work:
            work.catalog.merge("lab", [an_update("app")], NOW)
            made = work.computers.enrol("pc", "pc", NOW)
            states = {an_update("app").id: UpdateState.MISSING}
            facts: dict[str, FactValue] = {"os.release": "debian-12"}
            work.computers.save(replace(made, facts=facts, states=states, last_scan_at=NOW))

    def follow(self):
        """Read git and make the passes that it asks for, as a process just started."""
        reconciler = Reconciler(self.store, SITE, FixedClock(NOW), "host", timedelta(hours=1))
        reconciler.begin()
        self.desire = renew(self.desire, self._followed, NOW)
        outcome = reconciler.run_pass(self.desire)
        reconciler.end()
        return outcome

    def offers(self):
        with self.store.read() as view:
            return list(view.records.load_memory().advertisements.values())

    def told(self):
        with self.store.read() as view:
            return {one["type"] for one in view.documents.load(STATUS)["conditions"]}


@pytest.fixture
def site(tmp_path):
    made = Following(tmp_path)
    made.enrol()
    made.repository.commit(m=manifests_of(8))
    made.follow()
    assert len(made.offers()) == 8
    yield made
    made.store.close()


def test_a_careless_deletion_is_held_until_a_later_commit_allows_it(site):
    site.repository.commit(m=manifests_of(1))
    site.follow()
    assert sum(offer.held for offer in site.offers()) == 7
    assert "PruneBlocked" in site.told()

    site.repository.commit(message="Yes, all of them\n\nAllow-Prune: 7")
    site.follow()

    assert len(site.offers()) == 1
    assert "PruneBlocked" not in site.told()


def test_the_commit_that_deletes_may_allow_it(site):
    site.repository.commit(message="The lab is gone\n\nAllow-Prune: 7", m=manifests_of(1))
    site.follow()

    assert len(site.offers()) == 1


def test_a_deletion_that_is_taken_back_leaves_everything_as_it_was(site):
    before = {bare(offer) for offer in site.offers()}
    site.repository.commit(m=manifests_of(1))
    site.follow()
    site.repository.commit(m=manifests_of(8))
    site.follow()

    assert {bare(offer) for offer in site.offers()} == before


def bare(offer):
    """Give an offer without the commit that changed it last, and when it was last held."""
    return replace(offer, owner=None, released_at=None)


def test_leave_is_used_up_by_the_commit_that_it_came_with(site):
    site.repository.commit(message="Not yet\n\nAllow-Prune: 100")
    site.follow()
    site.repository.commit(m=manifests_of(1))
    site.follow()

    assert len(site.offers()) == 8
    assert "PruneBlocked" in site.told()


def test_leave_outlives_a_restart_before_its_commit_was_carried_out(site):
    site.repository.commit(message="The lab is gone\n\nAllow-Prune: 7", m=manifests_of(1))
    site.desire = Desire()
    site.follow()

    assert len(site.offers()) == 1
    assert site.follow().applied == 0
