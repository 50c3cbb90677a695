"""Real apt machines for every end-to-end test; each test has a lab of its own."""

import pytest

from reconciler.demo.lab import open_lab
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
