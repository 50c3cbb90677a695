"""Files come whole, in time and of the promised size, or not at all."""

import os
import socket
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from reconciler.fetch import Fetcher, FetchError, join_url

QUICK = Fetcher(timeout=timedelta(seconds=0.3), tries=1, pause=timedelta(0))
LIMIT = 1000


@contextmanager
def a_server(answer):
    """Serve every request by `answer(handler)`; yields the base URL and the paths asked for."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            answer(self)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def answer_with(body=b"", status=200, **headers):
    def answer(handler):
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def a_raw_server(talk):
    """Accept one connection and leave it to `talk(connection)`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection:
                talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/file"
        finally:
            thread.join()


def test_read_gives_the_whole_file_of_a_server():
    with a_server(answer_with(b"hello")) as (url, _):
        assert QUICK.read(f"{url}/a", LIMIT) == b"hello"


@pytest.mark.parametrize("form", ["{}", "file://{}", "file:{}", "file://localhost{}"])
def test_read_gives_the_whole_file_of_this_host(form, tmp_path):
    (tmp_path / "a").write_bytes(b"hello")

    assert QUICK.read(form.format(tmp_path / "a"), LIMIT) == b"hello"


def test_joined_url_names_the_file_whatever_its_characters(tmp_path):
    folder = tmp_path / "a b%20#?"
    folder.mkdir()
    (folder / "x_1%3a2+b~1?.deb").write_bytes(b"hello")

    assert QUICK.read(join_url(str(folder), "x_1%3a2+b~1?.deb"), LIMIT) == b"hello"


def test_missing_file_is_told_apart_and_not_tried_again():
    with (
        a_server(answer_with(b"no", status=404)) as (url, asked),
        pytest.raises(FetchError, match="HTTP 404") as caught,
    ):
        Fetcher(pause=timedelta(0)).read(f"{url}/a", LIMIT)

    assert caught.value.is_missing
    assert asked == ["/a"]


def test_missing_file_of_this_host_is_told_apart(tmp_path):
    with pytest.raises(FetchError, match="No such file") as caught:
        QUICK.read(str(tmp_path / "absent"), LIMIT)

    assert caught.value.is_missing


def test_busy_server_is_tried_again_until_it_answers():
    def answer(handler):
        answer_with(b"hello", status=503 if len(asked) < 3 else 200)(handler)

    with a_server(answer) as (url, asked):
        assert Fetcher(pause=timedelta(0)).read(f"{url}/a", LIMIT) == b"hello"

    assert len(asked) == 3


def test_tries_have_a_limit():
    with a_server(answer_with(status=503)) as (url, asked), pytest.raises(FetchError, match="503"):
        Fetcher(tries=2, pause=timedelta(0)).read(f"{url}/a", LIMIT)

    assert len(asked) == 2


def test_refused_connection_names_the_url():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/a"

    with pytest.raises(FetchError, match=r"/a: .*Connection refused"):
        QUICK.read(url, LIMIT)


def test_truncated_file_is_no_file():
    with (
        a_server(answer_with(b"hel", Content_Length="5")) as (url, _),
        pytest.raises(FetchError, match="broke off after 3 of 5 bytes") as caught,
    ):
        QUICK.read(f"{url}/a", LIMIT)

    assert caught.value.may_pass


def test_truncated_chunks_are_no_file():
    def answer(handler):
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"3\r\nhel\r\n5\r\nlo")

    with a_server(answer) as (url, _), pytest.raises(FetchError, match="IncompleteRead"):
        QUICK.read(f"{url}/a", LIMIT)


@pytest.mark.parametrize("headers", [{}, {"Content_Length": ""}], ids=["announced", "unannounced"])
def test_file_beyond_the_limit_is_refused(headers):
    def answer(handler):
        if headers:
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(b"x" * 5000)
        else:
            answer_with(b"x" * 5000)(handler)

    with a_server(answer) as (url, _), pytest.raises(FetchError, match="more than the 1000"):
        QUICK.read(f"{url}/a", LIMIT)


def test_silent_server_ends_in_time():
    over = threading.Event()
    with a_raw_server(lambda _: over.wait(5)) as url:
        with pytest.raises(FetchError, match="timed out"):
            QUICK.read(url, LIMIT)
        over.set()


@pytest.mark.parametrize(
    "start",
    [b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"],
    ids=["headers", "body"],
)
def test_dripping_server_ends_in_time(start):
    """Each byte comes soon enough, and all of them never."""

    def drip(connection):
        connection.sendall(start)
        try:
            while True:
                connection.sendall(b"x")
                time.sleep(0.02)
        except OSError:
            pass

    fetcher = Fetcher(timeout=timedelta(seconds=1), within=timedelta(seconds=0.3), tries=3)
    with a_raw_server(drip) as url, pytest.raises(FetchError, match="took longer than it may"):
        fetcher.read(url, LIMIT)


def test_redirect_to_another_host_is_followed():
    with a_server(answer_with(b"hello")) as (there, _):
        target = there.replace("127.0.0.1", "localhost")
        with a_server(answer_with(status=302, Location=f"{target}/b")) as (here, _):
            assert QUICK.read(f"{here}/a", LIMIT) == b"hello"


def test_relative_redirect_is_followed():
    def answer(handler):
        if handler.path == "/x/a":
            answer_with(status=301, Location="../b")(handler)
        else:
            answer_with(b"hello")(handler)

    with a_server(answer) as (url, asked):
        assert QUICK.read(f"{url}/x/a", LIMIT) == b"hello"

    assert asked == ["/x/a", "/b"]


@pytest.mark.parametrize("target", ["file:///etc/passwd", "/etc\n", "ftp://x/y", "http://u:p@h/"])
def test_redirect_to_something_else_is_refused(target):
    with a_server(answer_with(status=302, Location=target.strip())) as (url, _):
        target_is_path = target.startswith("/")
        expected = "redirects more than" if target_is_path else "is no|no web address|credentials"
        with pytest.raises(FetchError, match=expected):
            QUICK.read(f"{url}/a", LIMIT)


def test_redirects_in_a_circle_end():
    with (
        a_server(answer_with(status=302, Location="/a")) as (url, asked),
        pytest.raises(FetchError, match="redirects more than 5 times"),
    ):
        QUICK.read(f"{url}/a", LIMIT)

    assert len(asked) == 6


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("ftp://host/a", "no http, https or file URL", id="scheme"),
        pytest.param("relative/a", "no http, https or file URL", id="relative"),
        pytest.param("http://host:x/a", "no http, https or file URL", id="port"),
        pytest.param("http://h/a\r\nX: y", "no http, https or file URL", id="line-end"),
        pytest.param("http://user:secret@host/a", "holds credentials", id="credentials"),
        pytest.param("file://host/a", "another host", id="file-of-another-host"),
    ],
)
def test_wrong_url_is_refused(url, reason):
    with pytest.raises(FetchError, match=reason) as caught:
        QUICK.read(url, LIMIT)

    assert "secret" not in str(caught.value)


def test_pipe_and_folder_are_no_files(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(FetchError, match=r"no regular file|Is a directory"):
            QUICK.read(str(path), LIMIT)


def test_http_goes_through_the_proxy_with_its_credentials():
    seen = []

    def answer(handler):
        seen.append(handler.headers["Proxy-Authorization"])
        answer_with(b"hello")(handler)

    with a_server(answer) as (url, asked):
        proxies = {"http": url.replace("//", "//me:pa%40ss@"), "no": "direct.invalid"}
        fetcher = Fetcher(tries=1, proxies=proxies)

        assert fetcher.read("http://archive.invalid/a?b=c", LIMIT) == b"hello"

    assert asked == ["http://archive.invalid/a?b=c"]
    assert seen == ["Basic bWU6cGFAc3M="]


def test_https_asks_the_proxy_for_a_tunnel():
    asked = []

    def talk(connection):
        asked.append(connection.recv(4096).partition(b"\r\n")[0])
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")

    with a_raw_server(talk) as url:
        fetcher = Fetcher(tries=1, proxies={"https": url})
        with pytest.raises(FetchError, match="Tunnel connection failed: 403"):
            fetcher.read("https://archive.invalid/a", LIMIT)

    assert asked[0].startswith(b"CONNECT archive.invalid:443 ")


@pytest.mark.parametrize("exceptions", ["127.0.0.1", "x, *", ".0.0.1"])
def test_no_proxy_is_respected(exceptions):
    with a_server(answer_with(b"hello")) as (url, _):
        fetcher = Fetcher(tries=1, proxies={"http": "http://127.0.0.1:9", "no": exceptions})

        assert fetcher.read(f"{url}/a", LIMIT) == b"hello"


def test_take_starts_anew_after_a_break():
    """What a broken try gave is thrown away, and no byte comes twice."""

    def answer(handler):
        broken = len(asked) == 1
        answer_with(b"he" if broken else b"hello", Content_Length="5")(handler)

    with a_server(answer) as (url, asked):
        assert Fetcher(pause=timedelta(0)).take(f"{url}/a", LIMIT, list) == [b"hello"]

    assert len(asked) == 2
