"""`patchwright snapshot export`, `replay` and `plan --snapshot`: a past plan, byte for byte."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.app.clock import FixedClock
from reconciler.app.home import make_home
from reconciler.app.settings import Settings, SourceSettings
from reconciler.app.wiring import make_reconciler
from reconciler.cli.plan import CHANGES_PENDING, show_plan
from reconciler.cli.replay import Past, replay_plan
from reconciler.cli.snapshot import Export, export_snapshot
from reconciler.cli.snapshot_file import SnapshotFile
from reconciler.cli.validate import validate_paths
from reconciler.engine.desire import Desire
from reconciler.model.errors import ManifestError, SourceError
from reconciler.model.updates import UpdateState
from tests.repositories import Repository
from tests.worlds import BASICS, HEADER, NOW, an_update, load_desired

LATER = NOW + timedelta(days=2)


class Site:
    """A site with a repository; its passes are made at fixed instants."""

    def __init__(self, folder):
        self.repository = Repository(folder / "fleet")
        self.commit = self.repository.commit(all=BASICS)
        source = SourceSettings(url=str(self.repository.path))
        self.settings = Settings(name="main", code="PWR", source=source)
        self.home = make_home(folder / "site", self.settings)
        self.store = self.home.open_store()
        self.names = {}

    def enrol(self, name, **facts):
        with self.store.write() as work:
            one = work.computers.enrol(name, f"hw-{name}", NOW)
            work.computers.save(replace(one, facts=facts))
            self.names[name] = one.id

    def publish(self, *updates, at=NOW):
        with self.store.write() as work:
            work.catalog.merge("lab", updates, at)

    def scan(self, state, at=NOW, but=()):
        with self.store.write() as work:
            ids, version = work.catalog.entries(), work.catalog.version()
            for name in self.names.keys() - set(but):
                one = work.computers.find(self.names[name])
                assert one is not None
                states = dict.fromkeys(ids, state)
                found = {"states": states, "last_scan_at": at, "last_contact_at": at}
                work.computers.save(replace(one, **found, scan_version=version))

    def hear(self, name, at):
        """Note a computer's last contact."""
        with self.store.write() as work:
            work.computers.contacts({self.names[name]: at})

    def reconcile(self, at):
        reconciler = make_reconciler(self.settings, self.store, FixedClock(at), "test")
        reconciler.begin()
        desired = load_desired(BASICS, commit=self.commit)
        reconciler.run_pass(Desire(desired, self.commit, (), at))
        reconciler.end()


@pytest.fixture
def site(tmp_path):
    made = Site(tmp_path)
    made.enrol("ref-1", ring="reference")
    made.enrol("web-1")
    made.publish(an_update("app"))
    made.scan(UpdateState.MISSING)
    made.reconcile(NOW)
    yield made
    made.store.close()


@pytest.fixture
def printed(capsys):
    def read():
        return capsys.readouterr().out

    return read


def test_replay_gives_the_bytes_of_the_plan_after_the_site_went_on(site, tmp_path, printed):
    site.scan(UpdateState.INSTALLED, at=LATER - timedelta(hours=1))
    code = show_plan(site.home.folder, None, LATER, "json")
    first = printed()
    file = tmp_path / "then.snapshot"
    assert (
        export_snapshot(
            site.home.folder, Export(file, names=True, matchable=False, now=LATER), "text"
        )
        == 0
    )
    printed()
    site.enrol("web-2")
    site.publish(an_update("app"), an_update("lib"), at=LATER)
    site.reconcile(LATER)
    site.repository.commit(all=BASICS.replace("releases: {every: 1h}", "releases: {every: 2h}"))
    show_plan(site.home.folder, None, LATER, "json")
    assert printed() != first

    replayed = replay_plan(site.home.folder, Past(site.commit, file, LATER), "json")

    assert printed() == first
    assert replayed == code == CHANGES_PENDING


def test_replay_takes_the_instant_of_the_snapshot_by_default(site, tmp_path, printed):
    show_plan(site.home.folder, None, LATER, "text")
    first = printed()
    export_snapshot(
        site.home.folder, Export(tmp_path / "s", names=True, matchable=False, now=LATER), "text"
    )
    printed()

    replay_plan(site.home.folder, Past(site.commit, tmp_path / "s", None), "text")

    assert printed() == first


@pytest.mark.parametrize("commit", ["f" * 40, "0" * 40, "abcdef0"])
def test_replay_of_an_unknown_commit_says_so(site, tmp_path, commit):
    export_snapshot(
        site.home.folder, Export(tmp_path / "s", names=True, matchable=False, now=LATER), "text"
    )

    with pytest.raises(SourceError, match="has no branch, tag or commit") as caught:
        replay_plan(site.home.folder, Past(commit, tmp_path / "s", None), "text")

    assert "full id" in caught.value.hint


def test_plan_of_what_is_not_carried_out_yet_says_why_it_is_refused(site, tmp_path):
    export_snapshot(
        site.home.folder, Export(tmp_path / "s", names=True, matchable=False, now=NOW), "text"
    )
    report = HEADER + "kind: Report\nmetadata: {name: r}\nspec: {title: t, query: select 1}\n"
    (site.repository.path / "report.yaml").write_text(report, encoding="utf-8")

    with pytest.raises(ManifestError, match="ask for what is not carried out yet"):
        show_plan(
            tmp_path / "none", site.repository.path, None, "text", SnapshotFile(tmp_path / "s")
        )


def test_plan_of_a_folder_against_a_snapshot_needs_no_site(site, tmp_path, printed):
    export_snapshot(
        site.home.folder, Export(tmp_path / "s", names=True, matchable=False, now=NOW), "json"
    )
    assert f'"commit": "{site.commit}"' in printed()

    show_plan(
        tmp_path / "no-site", site.repository.path, None, "text", SnapshotFile(tmp_path / "s")
    )

    assert "BeginSoak" not in printed()


def test_validate_takes_the_catalog_of_a_snapshot(site, tmp_path, printed):
    export_snapshot(
        site.home.folder, Export(tmp_path / "s", names=True, matchable=False, now=NOW), "text"
    )
    bad = BASICS.replace("query: {classification: [security]}", "updates: [nothing]")
    path = tmp_path / "m.yaml"
    path.write_text(bad, encoding="utf-8")
    printed()

    assert validate_paths([path], now=NOW, catalog=tmp_path / "s") == 1
    assert "the catalog has no update 'nothing'" in printed()
