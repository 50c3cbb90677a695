"""Credentials are renewed before they grow old, and kept before they are used."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.agent.home import Home, Identity
from reconciler.agent.log import Log
from reconciler.agent.renewal import RENEW_AFTER, Renewal

NOW = datetime(2026, 3, 1, tzinfo=UTC)
IDENTITY = Identity("c-1", "old", "LAB", "ab" * 32, "web-1")


class Told:
    """A site that gives one new credential after the other, and remembers which is used."""

    def __init__(self, home):
        self.home = home
        self.used = []
        self.kept_when_used = []

    def renew_credential(self):
        return f"new-{len(self.used)}"

    def use(self, credential):
        self.used.append(credential)
        self.kept_when_used.append(self.home.load_identity().credential)


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path)
    made.make()
    return made


@pytest.fixture
def site(home):
    return Told(home)


def test_credential_is_renewed_after_its_time(home, site):
    renewal = Renewal(home, site, IDENTITY, Log("error"))
    for days in (0, 29, 30, 31, 60):
        renewal.renew(NOW + timedelta(days=days))

    assert site.used == ["new-0", "new-1"]
    assert home.load_identity().renewed_at == NOW + 2 * RENEW_AFTER


def test_credential_is_on_the_disk_before_it_is_used(home, site):
    renewal = Renewal(home, site, IDENTITY, Log("error"))
    for days in (0, 30):
        renewal.renew(NOW + timedelta(days=days))

    assert site.kept_when_used == ["new-0"]


def test_clock_that_went_back_begins_anew(home, site):
    Renewal(home, site, IDENTITY, Log("error")).renew(NOW)
    Renewal(home, site, home.load_identity(), Log("error")).renew(NOW - timedelta(days=1))

    assert home.load_identity().renewed_at == NOW - timedelta(days=1)
    assert site.used == []
