"""What apt and dpkg make hard, and what an administrator then reads; on real roots."""

import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.demo.deb import DebPackage
from reconciler.model.orders import RunOrder
from reconciler.model.run_reasons import Refusal
from reconciler.model.updates import SliceUpdate
from tests.e2e.agents import DONE, REFUSED, STARTED, SUCCEEDED, app, offer, wait_until

pytestmark = pytest.mark.e2e


def preferences(agent, text):
    (agent.machine.root / "etc/apt/preferences.d/mine").write_text(text)


@contextmanager
def small_disk(path, mebibytes):
    path.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "none", path], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", path], check=True)


def test_nothing_is_ever_removed_though_the_machine_asks_for_it(agent_on, site, tmp_path):
    library = DebPackage(name="lib", version="1.0")
    agent = agent_on(library, app("1.0", depends=("lib",)))
    agent.machine.run("apt-mark", "auto", "lib")
    wish = agent.machine.root / "etc/apt/apt.conf.d/99autoremove"
    wish.write_text('APT::Get::AutomaticRemove "true";\n')
    offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once")

    assert agent.machine.installed() == {"app": "1.1", "lib": "1.0"}


def test_phased_update_is_installed_because_it_is_authorized(agent_on, site, lab, tmp_path):
    agent = agent_on(app("1.0"))
    phased = app("1.1", fields={"Phased-Update-Percentage": "0"})
    lab.repository.publish("bookworm", [phased])
    agent.machine.apt("update")
    asked = agent.machine.apt("--simulate", "-oAPT::Machine-ID=" + "0" * 31 + "1", "upgrade")
    assert "Inst app" not in asked.stdout, "apt keeps it back"
    offer(site, tmp_path / "debs", phased)
    agent.run("once")

    assert agent.machine.installed() == {"app": "1.1"}


def test_pinned_version_is_refused_by_name(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    preferences(agent, "Package: app\nPin: version 1.0*\nPin-Priority: 1001\n")
    offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.PINNED)]
    assert "keeps app from 1.1" in site.details()
    assert agent.machine.installed() == {"app": "1.0"}


def test_version_that_a_pin_forbids_is_refused(agent_on, site, lab, tmp_path):
    agent = agent_on(app("1.0"))
    lab.repository.publish("bookworm-security", [app("1.1")])
    preferences(agent, "Package: *\nPin: release n=bookworm-security\nPin-Priority: -1\n")
    agent.machine.apt("update")
    offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.PINNED)]


def test_pin_that_agrees_changes_nothing(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    preferences(agent, "Package: *\nPin: release o=Lab\nPin-Priority: 990\n")
    offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once")

    assert agent.machine.installed() == {"app": "1.1"}


def test_edited_conffile_is_replaced_where_the_administrator_wants_that(agent_on, site, tmp_path):
    def with_file(version):
        text = {"etc/app.conf": f"from {version}\n"}
        return DebPackage(name="app", version=version, files=text, conffiles=("etc/app.conf",))

    agent = agent_on(with_file("1.0"))
    agent.configure(conffiles="replace")
    (agent.machine.root / "etc/app.conf").write_text("mine\n")
    offer(site, tmp_path / "debs", with_file("1.1"))
    agent.run("once")

    assert (agent.machine.root / "etc/app.conf").read_text() == "from 1.1\n"
    assert (agent.machine.root / "etc/app.conf.dpkg-old").read_text() == "mine\n"
    assert "replaced edited configuration files: /etc/app.conf" in site.details()


@pytest.mark.parametrize("place", ["boot", "usr/share"])
def test_full_disk_is_told_before_anything_is_installed(agent_on, site, tmp_path, place):
    agent = agent_on(app("1.0"))
    offer(site, tmp_path / "debs", app("1.1"))
    disk = agent.machine.root / ("boot" if place == "boot" else "usr")
    kept = tmp_path / "usr"
    subprocess.run(["cp", "-a", disk, kept] if disk.exists() else ["mkdir", kept], check=True)
    with small_disk(disk, 8):
        subprocess.run(["cp", "-a", f"{kept}/.", disk], check=True)
        agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.DISK_FULL)]
    assert f"bytes are free at {disk}" in site.details()
    assert agent.machine.installed() == {"app": "1.0"}


def test_administrator_says_how_much_stays_free(agent_on, site, tmp_path):
    agent = agent_on(app("1.0"))
    agent.configure(minFreeMb=1)
    offer(site, tmp_path / "debs", app("1.1"))
    with small_disk(agent.machine.root / "boot", 8):
        agent.run("once")

    assert agent.machine.installed() == {"app": "1.1"}


def break_package(agent, lab, script):
    """Install a package whose postinst fails, as an administrator would by mistake."""
    lab.repository.publish(
        "bookworm", [DebPackage(name="other", version="1.0", scripts={"postinst": script})]
    )
    agent.machine.apt("update")
    assert agent.machine.apt("install", "other").returncode != 0


def test_half_way_package_of_somebody_else_is_repaired_first(agent_on, site, lab, tmp_path):
    agent = agent_on(app("1.0"))
    break_package(agent, lab, "test -e /allow")
    (agent.machine.root / "allow").touch()
    offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once")

    assert agent.machine.installed() == {"app": "1.1", "other": "1.0"}


def test_half_way_package_that_cannot_be_repaired_is_named(agent_on, site, lab, tmp_path):
    agent = agent_on(app("1.0"))
    break_package(agent, lab, "exit 1")
    offer(site, tmp_path / "debs", app("1.1"))
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.DPKG_INTERRUPTED)]
    assert "other" in site.details()
    assert agent.machine.installed() == {"app": "1.0"}


def run_kernel(agent, release, version="#1 SMP Debian 6.1.100-1 (2025-01-01)"):
    """Say which kernel the machine runs."""
    folder = agent.machine.root / "proc/sys/kernel"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "osrelease").write_text(f"{release}\n")
    (folder / "version").write_text(f"{version}\n")


def kernel(version, abi):
    """Give a metapackage and the image that it needs, which is a new package each time."""
    image = f"linux-image-{abi}-amd64"
    meta = DebPackage(
        name="linux-image-amd64", version=version, depends=(f"{image} (= {version})",)
    )
    return meta, DebPackage(name=image, version=version, files={f"boot/vmlinuz-{abi}": abi})


def test_kernel_is_a_new_package_and_counts_when_it_runs(agent_on, site, tmp_path):
    agent = agent_on(*kernel("6.1.100-1", "6.1.0-27"))
    run_kernel(agent, "6.1.0-27-amd64")
    newer = kernel("6.1.112-1", "6.1.0-28")
    updates = offer(site, tmp_path / "debs", *newer, authorized=("linux-image-amd64",))
    whole = SliceUpdate(
        updates[0].id, tuple((one.name, one.architecture, one.version) for one in newer)
    )
    site.set_catalog(whole)
    agent.run("once")
    installed = agent.machine.installed()
    assert {name for name in installed if name != "linux-image-amd64"} == {
        "linux-image-6.1.0-27-amd64",
        "linux-image-6.1.0-28-amd64",
    }
    assert site.states() == {whole.id: "pendingRestart"}
    run_kernel(agent, "6.1.0-28-amd64", "#1 SMP Debian 6.1.112-1 (2025-02-01)")
    agent.run("scan")
    agent.run("once")

    assert site.states() == {whole.id: "installed"}


def test_process_that_runs_a_replaced_program_is_named(agent_on, site):
    agent = agent_on(app("1.0"))
    root = agent.machine.root
    (root / "proc").rmdir()
    (root / "proc").symlink_to("/proc")
    daemon = root / "usr/sbin/sleep"
    shutil.copy(root / "usr/bin/busybox", daemon)
    process = subprocess.Popen(["chroot", root, "/usr/sbin/sleep", "60"])
    try:
        wait_until(lambda: Path(f"/proc/{process.pid}/exe").readlink() == daemon)
        agent.run("once")
        assert "restart.processes" not in site.batches[-1].facts.facts
        shutil.copy(daemon, root / "usr/sbin/new")
        (root / "usr/sbin/new").rename(daemon)
        agent.run("once")
    finally:
        process.kill()
        process.wait()

    assert site.batches[-1].facts.facts["restart.processes"] == ("sleep",)


OWN = RunOrder(content="repository")


def test_own_repository_serves_what_was_captured(agent_on, site, lab, tmp_path):
    library = DebPackage(name="lib", version="1.0", files={"usr/share/lib": "1.0"})
    newer = DebPackage(name="lib", version="1.1", files={"usr/share/lib": "1.1"})
    extra = DebPackage(name="extra", version="1.0")
    agent = agent_on(app("1.0"), library)
    lab.repository.publish("bookworm", [app("1.1", depends=("extra",)), extra])
    lab.repository.publish("bookworm-security", [newer])
    offer(
        site,
        tmp_path / "debs",
        app("1.1", depends=("extra",)),
        newer,
        extra,
        authorized=("app", "lib"),
        order=OWN,
    )
    agent.run("once")

    assert agent.machine.installed() == {"app": "1.1", "extra": "1.0", "lib": "1.1"}
    assert agent.machine.marks() == {"extra"}
    assert site.statuses() == [STARTED, SUCCEEDED, DONE]
    assert not list((agent.home / "content").glob("*.deb"))


def test_own_repository_with_another_file_is_refused(agent_on, site, lab, tmp_path):
    agent = agent_on(app("1.0"))
    lab.repository.publish("bookworm", [app("1.1", section="games")])
    offer(site, tmp_path / "debs", app("1.1"), order=OWN)
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.CONTENT_INCOMPLETE)]
    assert "another app_1.1_all.deb than was captured" in site.details()
    assert agent.machine.installed() == {"app": "1.0"}


def test_own_repository_without_the_version_is_refused(agent_on, site, lab, tmp_path):
    agent = agent_on(app("1.0"))
    lab.repository.publish("bookworm", [app("1.2")])
    offer(site, tmp_path / "debs", app("1.1"), order=OWN)
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.CONTENT_INCOMPLETE)]
