"""Failures of a whole site: processes killed, sources gone or forged, and all goes on (S26-S29)."""

from datetime import timedelta

import pytest

from reconciler.demo.deb import DebPackage
from reconciler.model.messages import StatusId
from reconciler.model.objects import ContentState
from tests.e2e.site import replacing
from tests.e2e.small_site import (
    PRODUCTION,
    REFERENCE,
    SECURITY,
    SmallSite,
    copy_manifests,
    facts_of,
    group_of,
    kill,
    processes_about,
)

pytestmark = pytest.mark.e2e

ONE_RUN = [
    (1, StatusId.PROGRAM_STARTED),
    (1, StatusId.PROGRAM_SUCCEEDED),
    (1, StatusId.DONE_NO_RESTART),
]
SLOW = "touch /begun; sleep 2"
DANGLING = replacing("collection: all-servers", "collection: all-server")
OBSERVE = replacing("mode: enforce", "mode: observe")


def app(version, **changes):
    return DebPackage(
        name="webapp", version=version, files={"usr/share/webapp": version}, **changes
    )


@pytest.fixture
def site(lab, tmp_path):
    """A site that is not built yet; afterwards nothing of it may be left running."""
    made = SmallSite(tmp_path / "world", lab, copy_manifests(tmp_path / "manifests"))
    yield made
    made.close()
    assert processes_about(tmp_path) == []


def take_down(dist):
    dist.rename(dist.with_name("away"))


def remove_signatures(dist):
    for name in ("InRelease", "Release.gpg"):
        (dist / name).unlink()


def forge_release(dist):
    path = dist / "InRelease"
    path.write_text(path.read_text().replace("Label: Lab-Security", "Label: Lab-Secure"))


def forge_index(dist):
    """Change every form of the index, as who holds the mirror but not the key can."""
    for path in (dist / "main").rglob("*"):
        if path.is_file():
            path.write_bytes(b"?" + path.read_bytes()[1:])


def begun(site, name):
    return (site.machines[name].root / "begun").exists


def test_engine_killed_at_any_stage_makes_nothing_twice(site):
    site.build(app("1.0"), app("1.1"))
    site.start()
    for is_reached in (lambda: site.memory().releases, lambda: "reference" in site.offered()):
        site.wait(is_reached, "the next stage")
        engine = site.server.pid
        site.server.kill()
        site.wait(lambda gone=engine: group_of(gone) == [], "the engine's child to end with it")
        site.start_server()
    site.wait_converged()

    memory = site.memory()
    assert list(memory.packages) == [("PWR00001", 1)]
    assert list(memory.advertisements) == [("PWR00002",), ("PWR00003",)]
    assert (len(memory.programs), len(memory.assignments), len(memory.releases)) == (1, 1, 1)
    assert site.versions("webapp") == ["1.1", "1.1"]
    assert [site.messages(name) for name in site.machines] == [ONE_RUN, ONE_RUN]


def test_killed_server_is_started_again_and_gets_what_was_spooled(site):
    site.build(app("1.0"), app("1.1", scripts={"postinst": SLOW}))
    site.start()
    site.wait(begun(site, REFERENCE), "an install")
    (before,) = site.servers()
    kill(before)
    site.wait_converged()

    assert site.servers() not in ([], [before])
    assert [site.messages(name) for name in site.machines] == [ONE_RUN, ONE_RUN]


def test_agent_killed_while_dpkg_runs_finds_it_done_and_says_so(site):
    site.build(app("1.0"), app("1.1", scripts={"postinst": SLOW}))
    site.start()
    site.wait(begun(site, REFERENCE), "an install")
    agent, machine = site.agents[REFERENCE], site.machines[REFERENCE]
    agent.kill()

    assert any("dpkg" in words for words in processes_about(machine.root))
    assert machine.installed() == {}
    agent.start()
    site.wait_converged()
    assert machine.run("dpkg", f"--root={machine.root}", "--audit").stdout == ""
    assert site.versions("webapp") == ["1.1", "1.1"]
    assert site.messages(REFERENCE) == ONE_RUN


def test_invalid_commit_changes_nothing_until_a_valid_one_comes(site):
    site.build(app("1.0"), app("1.1", scripts={"postinst": SLOW}))
    site.start()
    site.wait(begun(site, REFERENCE), "an install")
    good = site.revision()["applied"]
    bad = site.commit("Break", {"september.yaml": DANGLING})
    site.wait(lambda: site.revision()["attempted"] == bad, "the commit to be tried")
    told = site.revision()
    site.restart_server()
    site.wait_converged()

    assert told["applied"] == good
    assert told["problems"][0].startswith("september.yaml:40:19: ")
    assert site.versions("webapp") == ["1.1", "1.1"]
    assert (site.revision()["applied"], site.revision()["attempted"]) == (good, bad)
    assert site.try_patchwright("status", "--site", str(site.site)).returncode == 1
    site.wait_applied(
        site.commit("Mend", {"september.yaml": replacing("all-server\n", "all-servers\n")})
    )
    assert site.revision()["problems"] == []


def test_git_that_is_gone_stops_nothing_for_a_while(site):
    site.build(app("1.0"), app("1.1", scripts={"postinst": SLOW}))
    site.start()
    site.wait(begun(site, REFERENCE), "an install")
    away = site.repository.rename(site.folder / "away")
    site.wait(lambda: site.revision()["failure"], "the status to say so")
    told = site.revision()["failure"]
    site.wait_converged()

    assert str(site.repository) in told
    assert site.offered() == {"reference", "everyone"}
    away.rename(site.repository)
    site.wait_applied(site.commit("Go on", {"site.yaml": OBSERVE}))
    assert site.revision()["failure"] == ""


def test_restart_while_git_is_gone_keeps_what_is_in_force(site):
    site.build(app("1.0"), app("1.1", scripts={"postinst": SLOW}))
    site.start()
    site.wait(begun(site, REFERENCE), "an install")
    away = site.repository.rename(site.folder / "away")
    site.restart_server()
    site.wait(lambda: site.messages(REFERENCE) == ONE_RUN, "the install to be told")
    site.wait(lambda: site.revision()["failure"], "the status to say so")
    before = site.revision()["applied"]

    assert site.offered() == {"reference"}
    away.rename(site.repository)
    site.wait_converged()
    assert site.revision()["applied"] == before


def test_commit_without_any_manifest_retires_nothing(site):
    site.build(app("1.0"), app("1.1"))
    site.start()
    site.wait_converged()
    before = site.memory()
    for path in site.repository.glob("*.yaml"):
        path.unlink()
    site.commit("Empty", {})
    site.wait(lambda: "no manifest" in site.revision()["failure"], "the status to say so")

    assert site.memory() == before


def test_mirror_that_moved_on_changes_nothing_of_a_release(site, lab):
    site.build(app("1.0"), app("1.1", scripts={"postinst": SLOW}))
    site.start()
    site.wait(begun(site, REFERENCE), "an install")
    (content,) = site.memory().assignments.values()
    lab.repository.publish(SECURITY, [app("1.2")], keep_old=False)
    site.wait_converged()

    assert content.state is ContentState.DONE
    assert not list(lab.repository.public.rglob("webapp_1.1_*.deb"))
    assert site.versions("webapp") == ["1.1", "1.1"]


def test_unreadable_index_withdraws_nothing_and_makes_nobody_compliant(site, lab):
    site.build(
        app("1.0"), app("1.1"), catalog=replacing("schedule: 1d", "schedule: 1s"), site=OBSERVE
    )
    site.start()
    site.wait(lambda: site.missing() == 2, "two scans")
    before = site.memory(), site.status()["catalog"]["updates"]
    stale = ("CatalogSource/debian-security", "CatalogStale")
    for harm in (take_down, remove_signatures, forge_release, forge_index):
        harm(lab.repository.public / "dists" / SECURITY)
        site.wait(lambda: stale in site.conditions(), "the status to say so")

        assert (site.memory(), site.status()["catalog"]["updates"]) == before
        assert site.missing() == 2
        lab.repository.publish(SECURITY)
        site.wait(lambda: stale not in site.conditions(), "the next read")


def test_edited_conffile_is_kept_and_told(site):
    def with_file(version):
        return app(version, scripts={}, conffiles=("usr/share/webapp",))

    site.build(with_file("1.0"), with_file("1.1"))
    edited = site.machines[PRODUCTION].root / "usr/share/webapp"
    edited.write_text("mine")
    site.start()
    site.wait_converged()

    assert site.versions("webapp") == ["1.1", "1.1"]
    assert edited.read_text() == "mine"
    assert (site.machines[REFERENCE].root / "usr/share/webapp").read_text() == "1.1"


def test_agent_alone_ends_its_run_scans_and_tells_it_once(site):
    site.build(app("1.0"), app("1.1", scripts={"postinst": SLOW}))
    site.start()
    site.wait(begun(site, REFERENCE), "an install")
    site.server.stop()
    told = site.messages(REFERENCE)
    site.wait(lambda: "missing=0" in site.log(REFERENCE), "the scan after the install")
    site.start_server()
    site.wait_converged()

    assert told in ([], ONE_RUN[:1])
    assert site.messages(REFERENCE) == ONE_RUN
    assert site.versions("webapp") == ["1.1", "1.1"]


def test_second_controller_is_refused_and_changes_nothing(site):
    site.build(app("1.0"), app("1.1"))
    site.start()
    site.wait_converged()
    before = facts_of(site)
    for command in ("run", "apply"):
        done = site.try_patchwright(command, "--site", str(site.site))

        assert done.returncode == 1
        assert "is in use by another process" in done.stderr
        assert "Traceback" not in done.stderr
    assert facts_of(site) == before


def test_sighup_reads_git_at_once_and_sigterm_ends_everything(site):
    site.build(app("1.0"), app("1.1"))
    settings = site.site / "site.toml"
    settings.write_text(settings.read_text().replace('interval = "2s"', 'interval = "1h"'))
    site.start_server()
    engine = site.server.pid
    site.wait_applied(site.commit("Observe", {"site.yaml": OBSERVE}))
    site.server.signal(15)

    assert site.server.wait(timedelta(seconds=5)) == 0
    assert group_of(engine) == []
