import pytest

CONTENT = bytes(range(256)) * 100


@pytest.fixture
def digest(world):
    return world.depot.add(CONTENT)


def test_content_is_given_by_digest(client, digest):
    response = client.get(f"/v1/content/{digest}")

    assert (response.status_code, response.content) == (200, CONTENT)
    assert response.headers["etag"] == f'"{digest}"'


def test_download_can_be_resumed(client, digest):
    response = client.get(f"/v1/content/{digest}", headers={"range": "bytes=25000-"})

    assert (response.status_code, response.content) == (206, CONTENT[25000:])
    assert response.headers["content-range"] == "bytes 25000-25599/25600"


@pytest.mark.parametrize(
    ("span", "status"), [("bytes=25600-", 416), ("bytes=x-y", 400), ("lines=1-2", 400)]
)
def test_impossible_range_is_refused(client, digest, span, status):
    assert client.get(f"/v1/content/{digest}", headers={"range": span}).status_code == status


def test_unknown_content_is_not_found(client):
    assert client.get("/v1/content/" + "0" * 64).status_code == 404


@pytest.mark.parametrize("path", ["x", "A" * 64, "..%2fsite.key", "%2e%2e%2fsite.db", "a" * 65])
def test_only_digests_name_content(client, path):
    assert client.get(f"/v1/content/{path}").status_code in {400, 404}
