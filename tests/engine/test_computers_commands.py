"""`patchwright token`, `revoke` and `retire` (L1, L4)."""

import json
from datetime import timedelta

import pytest

from reconciler.app.clock import SystemClock
from reconciler.app.home import Home, make_home
from reconciler.app.settings import Settings, SourceSettings
from reconciler.cli.computers import retire_computer, revoke_credential
from reconciler.cli.enrolment_token import print_token
from reconciler.model.errors import SettingsError, StoreError
from reconciler.model.ids import sha256_hex

SHA = "ab" * 32


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "site"
    make_home(folder, Settings(name="lab", code="LAB", source=SourceSettings(url=str(tmp_path))))
    return folder


@pytest.fixture
def web(site):
    store = Home(site).open_store()
    with store.write() as work:
        made = work.computers.enrol("web-1", "hw", SystemClock().now())
        work.credentials.save(made.id, SHA)
    store.close()
    return made


def read(site, look):
    store = Home(site).open_store()
    try:
        with store.write() as work:
            return look(work)
    finally:
        store.close()


def test_token_has_its_limits(site, capsys):
    assert print_token(site, "json", uses=2, valid="7d", collection="web") == 0
    token = json.loads(capsys.readouterr().out)["token"]
    digest, now = sha256_hex(token.encode()), SystemClock().now()

    after = now + timedelta(days=7, minutes=1)
    assert read(site, lambda work: work.tokens.spend(digest, after)) is None
    spent = read(site, lambda work: [work.tokens.spend(digest, now) for _ in range(3)])
    assert spent == ["web", "web", None]


@pytest.mark.parametrize("terms", [{"uses": 0}, {"valid": "soon"}, {"valid": "9000d"}])
def test_token_without_limits_is_refused(site, terms):
    with pytest.raises(SettingsError, match="--"):
        print_token(site, "text", **terms)


def test_revoked_computer_stays_and_its_credential_does_not(site, web, capsys):
    assert revoke_credential(site, "WEB-1", "text") == 0

    assert capsys.readouterr().out == "web-1 revoked\n"
    assert read(site, lambda work: work.credentials.computer_of(SHA)) is None
    assert not read(site, lambda work: work.computers.find(web.id)).retired
    assert read(site, lambda work: work.audit.newest(5))[0].what == "revoked"


def test_retired_computer_frees_its_name(site, web):
    retire_computer(site, "web-1", "json")

    assert read(site, lambda work: work.computers.find(web.id)).retired
    fresh = read(site, lambda work: work.computers.enrol("web-1", "hw-2", SystemClock().now()))
    assert fresh.id != web.id


def test_unknown_name_is_an_error(site):
    with pytest.raises(StoreError, match="no enrolled computer is named"):
        retire_computer(site, "nobody", "text")
