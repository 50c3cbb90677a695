"""A site over TLS: agents trust the site's own authority, and nobody else's."""

import json
import subprocess
import sys

import pytest

from reconciler.demo.show import MANIFESTS
from reconciler.demo.world import World

pytestmark = pytest.mark.e2e


@pytest.fixture
def world(tmp_path, lab):
    made = World(tmp_path / "world", lab, MANIFESTS)
    made.make_site()
    settings = made.site / "site.toml"
    settings.write_text(settings.read_text().replace("port = 0", 'port = 0\ntls = "always"'))
    made.start_server()
    yield made
    made.close()


def enrol(world, machine, *more):
    """Run the agent's `enrol` and give how it ended."""
    token = world.folder / "token"
    token.write_text(world.patchwright("token", "--site", str(world.site)))
    command = [sys.executable, "-m", "reconciler.agent.main", "enrol", "--root", str(machine.root)]
    command += ["--server", world.url, "--token-file", str(token), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_agent_enrols_over_tls_with_the_sites_authority(world, make_machine):
    done = enrol(world, make_machine("web-1"), "--ca", str(world.site / "keys/ca.pem"))

    assert world.url.startswith("https://127.0.0.1:")
    assert (done.returncode, done.stderr.count("Traceback")) == (0, 0)


def test_agent_refuses_a_site_that_nobody_it_trusts_has_signed(world, make_machine):
    machine = make_machine("web-1")

    done = enrol(world, machine)

    assert done.returncode == 1
    assert "certificate" in done.stderr
    assert "Traceback" not in done.stderr


def test_token_enrols_one_machine_only(world, make_machine):
    authority = str(world.site / "keys/ca.pem")
    made = json.loads(world.patchwright("token", "--site", str(world.site), "-o", "json"))
    ends = []
    for name in ("web-1", "web-2"):
        machine = make_machine(name)
        token = world.folder / "one-token"
        token.write_text(made["token"])
        command = [sys.executable, "-m", "reconciler.agent.main", "enrol", "--ca", authority]
        command += ["--root", str(machine.root), "--server", world.url, "--token-file", str(token)]
        ends.append(
            subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        )

    assert [done.returncode for done in ends] == [0, 1]
    assert made["token"] not in ends[1].stderr
