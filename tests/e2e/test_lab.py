"""The lab is as real as it claims: signatures, scripts, conffiles and mirrors behave."""

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.demo.apt_machine import AptSource, MachineSettings, make_root
from reconciler.demo.commands import LabError, run
from reconciler.demo.deb import DebPackage, build_deb
from reconciler.demo.signing import SigningKey

pytestmark = pytest.mark.e2e

STABLE, SECURITY = "bookworm", "bookworm-security"


def an_app(version="1.0", **changes):
    return DebPackage(**{"name": "app", "version": version, **changes})


def a_configured_app(version, text):
    return an_app(version, files={"etc/app.conf": text}, conffiles=("etc/app.conf",))


def upgradable(machine):
    return machine.run("apt", "list", "--upgradable").stdout


def dpkg_status(machine, name):
    database = f"--admindir={machine.root}/var/lib/dpkg"
    return machine.run("dpkg-query", database, "-f", "${db:Status-Status}", "-W", name).stdout


def test_update_accepts_the_signature(make_machine):
    done = make_machine("web").apt("update", "--error-on=any")

    assert done.returncode == 0
    assert done.stderr.strip() == ""


def test_update_refuses_one_changed_byte(lab_repository, make_machine):
    machine = make_machine("web")
    release = lab_repository.public / "dists" / SECURITY / "InRelease"
    signed = release.read_bytes()
    release.write_bytes(signed.replace(b"Origin: L", b"Origin: l"))
    assert release.read_bytes() != signed

    done = machine.apt("update", "--error-on=any")

    assert done.returncode == 100
    assert "BADSIG" in done.stderr


def test_machine_with_another_key_is_not_made(lab, tmp_path):
    with SigningKey() as stranger:
        stranger.export(tmp_path / "other.gpg")
    source = AptSource(url=lab.url, suites=(STABLE,), keyring=tmp_path / "other.gpg")

    with pytest.raises(LabError, match="NO_PUBKEY"):
        make_root(tmp_path / "web", MachineSettings(hostname="web", source=source))


def test_upgrade_from_security_is_seen_and_installed(lab_repository, make_machine):
    lab_repository.publish(STABLE, [an_app("1.0")])
    machine = make_machine("web", ["app"])
    lab_repository.publish(SECURITY, [an_app("1.1")])
    machine.apt("update")

    seen = upgradable(machine)
    machine.apt("upgrade")

    assert "app/bookworm-security 1.1 all [upgradable from: 1.0]" in seen
    assert machine.installed() == {"app": "1.1"}
    assert "app" not in upgradable(machine)


def test_security_suite_has_its_own_label(lab_repository, make_machine):
    lab_repository.publish(SECURITY, [an_app()])

    shown = make_machine("web").run("apt-cache", "policy").stdout

    assert "o=Lab,a=bookworm-security,n=bookworm-security,l=Lab-Security" in shown


def test_second_change_within_one_second_is_seen(lab_repository, make_machine):
    machine = make_machine("web")
    versions = [f"1.{number}" for number in range(4)]

    for version in versions:
        lab_repository.publish(STABLE, [an_app(version)])
        assert machine.apt("update", "--error-on=any").returncode == 0
        assert f"Candidate: {version}\n" in machine.run("apt-cache", "policy", "app").stdout


def test_dropped_package_leaves_the_index(lab_repository, make_machine):
    lab_repository.publish(STABLE, [an_app(), an_app(name="other")])
    lab_repository.publish(STABLE, drop=["app"])

    shown = make_machine("web").run("apt-cache", "pkgnames").stdout.split()

    assert shown == ["other"]


def test_source_is_named_where_it_differs(lab_repository, make_machine):
    lab_repository.publish(STABLE, [an_app("2:1.0", source="suite", source_version="7.1")])

    shown = make_machine("web").run("apt-cache", "show", "app").stdout

    assert "Source: suite (7.1)\n" in shown
    assert "Filename: pool/bookworm/main/s/suite/app_1.0_all.deb\n" in shown


def test_maintainer_scripts_run_inside_the_root(lab_repository, make_machine, tmp_path):
    proof = tmp_path.name + "-proof"
    scripts = {name: f"echo {name} >> /{proof}" for name in ("preinst", "postinst", "prerm")}
    lab_repository.publish(STABLE, [an_app(scripts=scripts)])
    machine = make_machine("web", ["app"])

    machine.apt("remove", "app")

    assert (machine.root / proof).read_text() == "preinst\npostinst\nprerm\n"
    assert not Path("/", proof).exists()


def test_failing_postinst_fails_the_install(lab_repository, make_machine):
    """What dpkg says comes on apt-get's stdout, for apt-get gives dpkg a terminal."""
    lab_repository.publish(STABLE, [an_app(scripts={"postinst": "exit 7"})])
    machine = make_machine("web")

    done = machine.apt("install", "app")

    assert done.returncode == 100
    assert "post-installation script subprocess returned error exit status 7" in done.stdout
    assert machine.installed() == {}
    assert dpkg_status(machine, "app") == "half-configured"


def test_edited_conffile_stops_dpkg_without_stdin(lab_repository, make_machine):
    lab_repository.publish(STABLE, [a_configured_app("1.0", "port=1\n")])
    machine = make_machine("web", ["app"])
    (machine.root / "etc/app.conf").write_text("port=mine\n")
    lab_repository.publish(STABLE, [a_configured_app("1.1", "port=2\n")])
    machine.apt("update")

    done = machine.apt("upgrade")

    assert done.returncode == 100
    assert "end of file on stdin at conffile prompt" in done.stdout


def test_edited_conffile_is_kept_when_told(lab_repository, make_machine):
    lab_repository.publish(STABLE, [a_configured_app("1.0", "port=1\n")])
    machine = make_machine("web", ["app"])
    (machine.root / "etc/app.conf").write_text("port=mine\n")
    lab_repository.publish(STABLE, [a_configured_app("1.1", "port=2\n")])
    machine.apt("update")

    done = machine.apt(
        "-o", "DPkg::Options::=--force-confdef", "-o", "DPkg::Options::=--force-confold", "upgrade"
    )

    assert done.returncode == 0
    assert (machine.root / "etc/app.conf").read_text() == "port=mine\n"
    assert (machine.root / "etc/app.conf.dpkg-dist").read_text() == "port=2\n"


def test_mirror_that_moved_on_answers_404(lab_repository, make_machine):
    lab_repository.publish(STABLE, [an_app("1.0")])
    machine = make_machine("web")
    lab_repository.publish(STABLE, [an_app("1.1")], keep_old=False)

    done = machine.apt("install", "app")

    assert done.returncode == 100
    assert "404" in done.stderr


def test_old_file_stays_unless_told_otherwise(lab_repository, make_machine):
    lab_repository.publish(STABLE, [an_app("1.0")])
    machine = make_machine("web")
    lab_repository.publish(STABLE, [an_app("1.1")])

    machine.apt("install", "app")

    assert machine.installed() == {"app": "1.0"}


def test_dependency_is_marked_automatic(lab_repository, make_machine):
    lab_repository.publish(STABLE, [an_app(depends=("lib",)), an_app(name="lib")])

    machine = make_machine("web", ["app"])

    assert machine.installed() == {"app": "1.0", "lib": "1.0"}
    assert machine.marks() == {"lib"}


def test_copies_differ_in_identity_and_do_not_share_files(lab, lab_repository):
    lab_repository.publish(STABLE, [an_app("1.0")])
    machines = lab.make_fleet([f"web-{number}" for number in range(5)], ["app"])
    lab_repository.publish(SECURITY, [an_app("1.1")])

    machines[3].apt("update")
    machines[3].apt("upgrade")

    assert [machine.installed()["app"] for machine in machines] == ["1.0"] * 3 + ["1.1", "1.0"]
    assert len({(machine.root / "etc/machine-id").read_text() for machine in machines}) == 5
    assert (machines[4].root / "etc/hostname").read_text() == "web-4\n"


def test_host_proxy_and_configuration_do_not_reach_a_machine(make_machine, monkeypatch):
    machine = make_machine("web")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")

    inherited = machine.apt("update", "--error-on=any")
    forced = machine.run("env", "http_proxy=http://127.0.0.1:9", "apt-get", "update", "-q")
    parts = machine.run("apt-config", "shell", "PARTS", "Dir::Etc::parts/f").stdout

    assert inherited.returncode == forced.returncode == 0
    assert "W:" not in forced.stderr
    assert parts.strip() == f"PARTS='{machine.root}/etc/apt/apt.conf.d'"


def test_same_description_gives_the_same_bytes(tmp_path):
    app = an_app(files={"usr/share/app/version": "1.0"}, scripts={"postinst": "true"})

    first = build_deb(app, tmp_path / "a")
    second = build_deb(app, tmp_path / "b")

    assert first.read_bytes() == second.read_bytes()


def test_conffile_without_content_is_refused(tmp_path):
    with pytest.raises(LabError, match="conffiles without content"):
        build_deb(an_app(conffiles=("etc/app.conf",)), tmp_path)


def test_closed_repository_leaves_no_key_and_cannot_publish(lab_repository):
    lab_repository.close()

    with pytest.raises(LabError):
        lab_repository.publish(STABLE, [an_app()])


def test_command_that_hangs_is_killed_with_its_children():
    with pytest.raises(LabError, match="killed after"):
        run(["sh", "-c", "sleep 60 & wait"], timeout=timedelta(seconds=0.2))
