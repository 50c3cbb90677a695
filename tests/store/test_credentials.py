import pytest

from reconciler.store.credentials import TokenTerms
from tests.store.builders import LATER, NOW, SHA

OTHER = "cd" * 32


@pytest.fixture
def web(store):
    with store.write() as work:
        return work.computers.enrol("web-01", "hw-1", NOW)


def test_credential_names_its_computer(store, web):
    with store.write() as work:
        work.credentials.save(web.id, SHA)

        assert work.credentials.computer_of(SHA) == web.id
        assert work.credentials.computer_of(OTHER) is None


def test_new_credential_replaces_the_old_one(store, web):
    with store.write() as work:
        work.credentials.save(web.id, SHA)
        work.credentials.save(web.id, OTHER)

        assert work.credentials.computer_of(SHA) is None
        assert work.credentials.computer_of(OTHER) == web.id


def test_revoked_credential_is_void(store, web):
    with store.write() as work:
        work.credentials.save(web.id, SHA)
        work.credentials.revoke(web.id)

        assert work.credentials.computer_of(SHA) is None


def test_token_is_spent_once(store):
    with store.write() as work:
        work.tokens.save(SHA, NOW, TokenTerms(LATER), "ines")

        assert [work.tokens.spend(SHA, NOW) for _ in range(2)] == ["", None]


def test_expired_or_unknown_token_is_refused(store):
    with store.write() as work:
        work.tokens.save(SHA, NOW, TokenTerms(LATER))

        assert work.tokens.spend(SHA, LATER) is None
        assert work.tokens.spend(OTHER, NOW) is None


def test_token_for_many_is_used_up_and_tells_its_collection(store):
    with store.write() as work:
        work.tokens.save(SHA, NOW, TokenTerms(LATER, uses=2, collection="web"))

        assert [work.tokens.spend(SHA, NOW) for _ in range(3)] == ["web", "web", None]
