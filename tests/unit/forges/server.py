"""A forge on loopback that answers, and holds requests against, the published interfaces."""

import json
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

TOKEN = "t0ps3cret"
COMMIT = "c" * 40
# (comments, one comment, statuses): the paths of each interface, as published.
PATHS = {
    "github": (
        r"/repos/corp/fleet/issues/7/comments",
        r"/repos/corp/fleet/issues/comments/(\d+)",
        r"/repos/corp/fleet/statuses/[0-9a-f]{40}",
    ),
    "gitlab": (
        r"/api/v4/projects/corp%2Ffleet/merge_requests/7/notes",
        r"/api/v4/projects/corp%2Ffleet/merge_requests/7/notes/(\d+)",
        r"/api/v4/projects/corp%2Ffleet/statuses/[0-9a-f]{40}",
    ),
    "gitea": (
        r"/api/v1/repos/corp/fleet/issues/7/comments",
        r"/api/v1/repos/corp/fleet/issues/comments/(\d+)",
        r"/api/v1/repos/corp/fleet/statuses/[0-9a-f]{40}",
    ),
}
HEADERS = {
    "github": {
        "Authorization": f"Bearer {TOKEN}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    },
    "gitlab": {"PRIVATE-TOKEN": TOKEN},
    "gitea": {"Authorization": f"token {TOKEN}"},
}
BASE = {"github": "", "gitlab": "/api/v4", "gitea": "/api/v1"}
STATES = {
    "github": {"error", "failure", "pending", "success"},
    "gitlab": {"pending", "running", "success", "failed", "canceled", "skipped"},
    "gitea": {"error", "failure", "pending", "success", "warning"},
}
LONGEST = {"github": 65_536, "gitlab": 1_000_000, "gitea": 65_535}
AUTHOR = {"github": "user", "gitlab": "author", "gitea": "user"}
CREATOR = {"github": "creator", "gitlab": "author", "gitea": "creator"}
OURS, MALLORY, SYSTEM = 41, 66, -2
EDIT = {"github": "PATCH", "gitlab": "PUT", "gitea": "PATCH"}
FIELDS = {
    "github": {"state", "context", "description", "target_url"},
    "gitlab": {"state", "name", "description", "target_url"},
    "gitea": {"state", "context", "description", "target_url"},
}


class Forge:
    """What the forge holds; `faults` answers the next requests in place of it."""

    def __init__(self, kind):
        self.kind = kind
        self.comments = []
        self.statuses = []
        self.asked = []
        self.faults = []
        self.foreign = set()
        self.writer = OURS
        self.api = ""

    def add(self, body, author=MALLORY):
        number = len(self.comments) + 1
        user = {AUTHOR[self.kind]: {"id": author}}
        self.comments.append({"id": number, "body": body, **user})

    def answer(self, method, target, headers, content):
        """Give (status, headers, value) of an answer."""
        parts = urlsplit(target)
        self.asked.append(f"{method} {parts.path}")
        for name, value in HEADERS[self.kind].items():
            assert headers[name] == value
        # GitHub answers nobody who does not say who asks.
        assert headers["User-Agent"]
        if content is not None:
            assert headers["Content-Type"] == "application/json"
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None and not fault.pop("after", False):
            return fault["status"], fault.get("headers", {}), fault.get("value", {})
        made = self._serve(method, parts, content)
        if fault is not None:
            return fault["status"], {}, {}
        return made

    def _serve(self, method, parts, content):
        if content is not None and len(content.get("body", "")) > LONGEST[self.kind]:
            return 422, {}, {"message": "body is too long"}
        listed, one, statuses = PATHS[self.kind]
        if method == "GET" and re.fullmatch(listed, parts.path):
            return 200, {}, self._page(parse_qs(parts.query))
        if method == "POST" and re.fullmatch(listed, parts.path):
            assert set(content) == {"body"}
            self.add(content["body"], self.writer)
            return 201, {}, {**self.comments[-1], "html_url": "https://forge.example/c"}
        found = re.fullmatch(one, parts.path)
        if method == EDIT[self.kind] and found:
            assert set(content) == {"body"}
            if int(found.group(1)) in self.foreign:
                return 403, {}, {"message": "not yours"}
            comment = self.comments[int(found.group(1)) - 1]
            comment["body"] = content["body"]
            return 200, {}, comment
        if method == "POST" and re.fullmatch(statuses, parts.path):
            assert "state" in content
            assert set(content) <= FIELDS[self.kind]
            assert content["state"] in STATES[self.kind]
            self.statuses.append(content)
            creator = {"id": self.writer} if self.writer > 0 else None
            return 201, {}, {**content, CREATOR[self.kind]: creator}
        if method == "GET" and parts.path == f"{BASE[self.kind]}/user" and self.kind == "gitlab":
            return 200, {}, {"id": self.writer}
        return 404, {}, {"message": "Not Found"}

    def _page(self, query):
        if self.kind == "gitea":
            assert query == {}
            return self.comments
        size, page = int(query["per_page"][0]), int(query["page"][0])
        assert 1 <= size <= 100
        return self.comments[(page - 1) * size : page * size]


@contextmanager
def a_forge(kind):
    """Serve a forge on loopback."""
    forge = Forge(kind)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            length = int(self.headers.get("Content-Length") or 0)
            content = json.loads(self.rfile.read(length)) if length else None
            try:
                status, headers, value = forge.answer(
                    self.command, self.path, self.headers, content
                )
            except AssertionError as error:
                status, headers, value = 422, {}, {"message": f"against the interface: {error}"}
            body = json.dumps(value).encode() if not isinstance(value, bytes) else value
            self.send_response(status)
            for name, text in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, text)
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PATCH = do_PUT = _answer  # noqa: N815

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        forge.api = f"http://127.0.0.1:{server.server_port}{BASE[kind]}"
        try:
            yield forge
        finally:
            server.shutdown()
            thread.join()
