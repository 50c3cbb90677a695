"""Real apt machines for every end-to-end test; each test has a lab of its own."""

from contextlib import ExitStack

import pytest

from reconciler.demo.deb import DebPackage
from reconciler.demo.lab import open_lab
from tests.e2e.agents import AgentOnMachine
from tests.e2e.fake_site import FakeSite, serve_site
from tests.e2e.site import SiteWorld


@pytest.fixture
def lab(tmp_path):
    """Suites `bookworm` and `bookworm-security`, empty, served over HTTP on loopback."""
    with open_lab(tmp_path / "lab") as opened:
        yield opened


@pytest.fixture
def lab_repository(lab):
    return lab.repository


@pytest.fixture
def make_machine(lab):
    """Build a machine: `make_machine("web-1", ["app=1.0"])`."""
    return lab.make_machine


@pytest.fixture
def world(tmp_path, lab):
    """A site that has not started, at its own git repository, with no machines yet."""
    made = SiteWorld(tmp_path / "world", lab)
    made.make_site()
    yield made
    made.close()


@pytest.fixture
def site():
    """A site that does only what an agent sees of one."""
    return FakeSite()


@pytest.fixture
def url(site):
    with serve_site(site) as served:
        yield served


@pytest.fixture
def agent_on(lab, url):
    """Build a machine with these packages installed, and enrol its agent."""

    def build(*packages: DebPackage) -> AgentOnMachine:
        lab.repository.publish("bookworm", packages)
        machine = lab.make_machine("web-1", [one.name for one in packages])
        agent = AgentOnMachine(machine, url)
        stack.callback(agent.close)
        agent.enrol()
        return agent

    with ExitStack() as stack:
        yield build
