"""Updates of one's own: seen, installed and removed by a real agent on throwaway machines."""

import os
import signal
from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.model.canonical import canonical_json
from reconciler.model.codec import encode
from reconciler.model.custom import CustomFile, Detection, DetectOrder, Step, content_path
from reconciler.model.ids import sha256_hex
from reconciler.model.messages import Executable, StatusId
from reconciler.model.objects import ContentFile, PackageManifest
from reconciler.model.policy import InventoryOrder, OfferedUpdate
from reconciler.model.run_reasons import Failure, Refusal
from tests.e2e.agents import (
    DONE,
    FAILED,
    REFUSED,
    STARTED,
    SUCCEEDED,
    app,
    offer_packages,
    wait_until,
)
from tests.e2e.fake_site import make_offer

pytestmark = pytest.mark.e2e
TOOL = "custom:tool/2.1"
SUPPRESSED = (int(StatusId.DONE_RESTART_SUPPRESSED_SERVER), "")
BY_FILE = Detection(file="/opt/tool", sha256=sha256_hex(b"2.1\n"))
INSTALL = "#!/bin/sh\nset -e\nmkdir -p /opt\ncat data/tool > /opt/tool\npwd > /opt/where\n"
REMOVE = "#!/bin/sh\nrm /opt/tool\n"


def files_of(script: str, **others: str) -> dict[str, bytes]:
    texts = {"run.sh": script, "data/tool": "2.1\n", **others}
    return {path: text.encode() for path, text in texts.items()}


def own_offer(site, script=INSTALL, detection=BY_FILE, update=TOOL, **changes):
    """Have the agent look for the tool, and offer its installation."""
    files = files_of(script)
    site.manifest = package_of(site, files)
    step = Step(
        name="tool",
        version="2.1",
        command=("./run.sh", "--silent"),
        success=changes.pop("success", (0,)),
        restart=changes.pop("restart", ()),
        max_runtime=changes.pop("max_runtime", timedelta(minutes=5)),
        files=tuple(CustomFile(path, sha256_hex(data)) for path, data in files.items()),
    )
    look_for(site, DetectOrder(update, detection))
    made = OfferedUpdate(update, (), step=step)
    site.set_policy(offers=(make_offer(site.manifest, made, **changes),))
    return made


def package_of(site, files, *others: ContentFile):
    listed = [
        ContentFile(content_path(site.put(one)), sha256_hex(one), len(one))
        for one in files.values()
    ]
    manifest = PackageManifest("LAB00001", 1, (*others, *listed))
    return site.put(canonical_json(encode(manifest)))


def look_for(site, *orders):
    if site.policy.scan.catalog is None:
        site.set_catalog()
    site.set_policy(scan=replace(site.policy.scan, custom=orders))


@pytest.fixture
def agent(agent_on):
    return agent_on(app("1.0"))


def test_it_is_missing_then_installed_and_not_run_again(agent, site):
    own_offer(site)
    agent.run("once")

    assert site.states() == {TOOL: "installed"}
    first, *_ = (batch.scan.changes for batch in site.batches if batch.scan)
    assert first == {TOOL: "missing"}
    assert site.statuses() == [STARTED, SUCCEEDED, DONE]
    assert (agent.machine.root / "opt/tool").read_text() == "2.1\n"
    where = (agent.machine.root / "opt/where").read_text().strip()
    assert where == "/var/lib/patchwright-agent/custom/tool"
    assert not (agent.machine.root / where.lstrip("/")).exists(), "its folder is gone"
    assert (agent.home / "installed/tool").read_text() == "2.1\n"
    agent.run("once")
    assert site.statuses() == [STARTED, SUCCEEDED, DONE]


def test_failing_exit_code_is_a_failed_run(agent, site):
    own_offer(site, "#!/bin/sh\necho password=hunter2; echo no licence >&2; exit 9\n")
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.EXIT_CODE)]
    assert [one.exit_code for batch in site.batches for one in batch.statuses][-1] == 9
    assert "no licence" in site.details()
    assert "hunter2" not in site.details()
    assert site.states() == {TOOL: "missing"}


def test_other_success_codes_are_success(agent, site):
    own_offer(site, f"{INSTALL}exit 3\n", success=(0, 3))
    agent.run("once")

    assert site.statuses() == [STARTED, SUCCEEDED, DONE]


def test_restart_code_waits_for_the_next_boot(agent, site):
    boot = agent.machine.root / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True, exist_ok=True)
    boot.write_text("first\n")
    own_offer(site, f"{INSTALL}exit 194\n", restart=(194,))
    agent.run("once")

    assert site.states() == {TOOL: "pendingRestart"}
    assert site.statuses() == [STARTED, SUCCEEDED, SUPPRESSED]
    boot.write_text("second\n")
    agent.run("scan")
    agent.run("once")
    assert site.states() == {TOOL: "installed"}


def test_time_limit_ends_all_that_it_started(agent, site):
    script = (
        "#!/bin/sh\nmkdir -p /opt\n(sleep 300; echo x > /opt/late) &\necho $! > /opt/child\nwait\n"
    )
    own_offer(site, script, max_runtime=timedelta(seconds=2))
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.TIMEOUT)]
    child = int((agent.machine.root / "opt/child").read_text())
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_content_of_another_digest_is_refused(agent, site):
    offered = own_offer(site)
    site.content[offered.step.files[0].sha256] = INSTALL.replace("set -e", "set +e").encode()
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.CONTENT_INCOMPLETE)]
    assert not (agent.machine.root / "opt").exists() or not list(
        (agent.machine.root / "opt").iterdir()
    )


def test_uninstall_removes_it_and_its_marker(agent, site):
    own_offer(site)
    agent.run("once")
    own_offer(site, REMOVE, program="uninstall", release=2)
    agent.run("once")

    assert site.states() == {TOOL: "missing"}
    assert site.statuses()[3:] == [STARTED, SUCCEEDED, DONE]
    assert not (agent.machine.root / "opt/tool").exists()
    assert not (agent.home / "installed/tool").exists()


def test_uninstall_of_what_is_not_there_never_runs(agent, site):
    own_offer(site, REMOVE, program="uninstall")
    agent.run("once")

    assert site.statuses() == []


def test_packages_are_never_uninstalled(agent, site, tmp_path):
    updates = offer_packages(site, tmp_path / "debs", app("1.0"))
    site.set_policy(offers=(make_offer(site.manifest, *updates, program="uninstall"),))
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.NOT_REMOVABLE)]
    assert agent.machine.installed() == {"app": "1.0"}


def test_program_of_a_newer_site_is_refused_by_its_name(agent, site):
    own_offer(site, program="hibernate")
    agent.run("once", code=1)

    assert site.statuses() == [(REFUSED, Refusal.PROGRAM_UNKNOWN)]
    assert "hibernate" in site.details()


def test_packages_and_commands_are_one_run(agent, site, tmp_path):
    packages = offer_packages(site, tmp_path / "debs", app("1.1"))
    captured = site.manifest
    own = own_offer(site, f"{INSTALL}test -e /usr/share/app && cat /usr/share/app > /opt/saw\n")
    files = site.content_files(captured)
    manifest = package_of(
        site,
        files_of(f"{INSTALL}test -e /usr/share/app && cat /usr/share/app > /opt/saw\n"),
        *files,
    )
    site.set_policy(offers=(make_offer(manifest, *packages, own),))
    agent.run("once")

    assert site.statuses() == [STARTED, SUCCEEDED, DONE]
    assert agent.machine.installed()["app"] == "1.1"
    assert (agent.machine.root / "opt/saw").read_text() == "1.1", "packages come first"


def test_command_that_failed_comes_after_packages_that_stay(agent, site, tmp_path):
    packages = offer_packages(site, tmp_path / "debs", app("1.1"))
    captured = site.content_files(site.manifest)
    own = own_offer(site, "#!/bin/sh\nexit 4\n")
    manifest = package_of(site, files_of("#!/bin/sh\nexit 4\n"), *captured)
    site.set_policy(offers=(make_offer(manifest, *packages, own),))
    agent.run("once", code=1)

    assert site.statuses() == [STARTED, (FAILED, Failure.EXIT_CODE)]
    assert agent.machine.installed()["app"] == "1.1"


def test_command_outlives_a_killed_agent(agent, site):
    go = agent.machine.root / "go"
    own_offer(site, f"#!/bin/sh\nwhile test ! -e /go; do sleep 0.1; done\n{INSTALL}")
    process = agent.start()
    wait_until(lambda: STARTED in site.statuses())
    process.send_signal(signal.SIGKILL)
    process.wait()
    go.touch()
    agent.run("once")

    assert site.statuses() == [STARTED, SUCCEEDED, DONE]
    assert site.states() == {TOOL: "installed"}


@pytest.mark.parametrize(
    ("script", "state", "why"),
    [
        ("echo 2.1.7", "installed", ""),
        ("echo 2.0", "missing", ""),
        ("echo 2.1.7; exit 3", "unknown", "ended with code 3"),
    ],
)
def test_detection_by_command(agent, site, script, state, why):
    tool = agent.machine.root / "usr/bin/tool"
    tool.parent.mkdir(parents=True, exist_ok=True)
    tool.write_text(f"#!/bin/sh\n{script}\n")
    tool.chmod(0o755)
    look_for(site, DetectOrder(TOOL, Detection(command=("/usr/bin/tool", "-V"), expect=r"2\.1.*")))
    agent.run("once")

    assert site.states() == {TOOL: state}
    facts = site.facts()
    assert why in "".join(facts.get("updates.unknown", ()))
    assert ("updates.unknown" in facts) == bool(why)


def test_command_that_is_not_there_means_missing(agent, site):
    look_for(site, DetectOrder(TOOL, Detection(command=("tool", "-V"), expect="2")))
    agent.run("once")

    assert site.states() == {TOOL: "missing"}


@pytest.mark.parametrize(
    ("package", "version", "state"),
    [
        ("app", ">=1.0", "installed"),
        ("app", "1.0", "installed"),
        ("app", ">1.0", "missing"),
        ("app", "1.0~rc1", "missing"),
        ("absent", ">=1.0", "missing"),
    ],
)
def test_detection_by_package_version(agent, site, package, version, state):
    look_for(site, DetectOrder(TOOL, Detection(package=package, version=version)))
    agent.run("once")

    assert site.states() == {TOOL: state}


def test_programs_are_listed_and_asked_for_facts_reported(agent, site):
    tool = agent.machine.root / "opt/cad/bin/tool"
    tool.parent.mkdir(parents=True)
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    facts = ("package.app", "package.absent", "software./opt/cad/bin/tool")
    order = InventoryOrder(software=False, executables=("/opt/*/bin/*",), facts=facts)
    look_for(site)
    site.set_policy(scan=replace(site.policy.scan, inventory=order))
    agent.run("once")

    reports = [batch.inventory for batch in site.batches if batch.inventory is not None]
    listed = {"/opt/cad/bin/tool": Executable(10, sha256_hex(b"#!/bin/sh\n"))}
    assert (reports[-1].packages, reports[-1].executables) == ({}, listed)
    told = {name: value for name, value in site.facts().items() if name in facts}
    assert told == {
        "package.app": "1.0",
        "software./opt/cad/bin/tool": sha256_hex(b"#!/bin/sh\n"),
    }


def test_what_is_looked_for_anew_is_scanned_at_once(agent, site):
    look_for(site)
    agent.run("once")
    look_for(site, DetectOrder(TOOL, BY_FILE))
    agent.run("once")
    assert site.states() == {TOOL: "missing"}

    look_for(site)
    agent.run("once")
    assert site.states() == {}
