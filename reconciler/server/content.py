"""Captured files by their digest, in whole or in part."""

from __future__ import annotations

from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from reconciler.model.errors import ProtocolError
from reconciler.model.ids import DIGEST
from reconciler.server.point import ManagementPoint, credential_of, point_of


async def give_content(request: Request) -> Response:
    """Answer with the file that has the digest of the path."""
    point, credential = point_of(request), credential_of(request)
    digest = request.path_params["sha256"]
    path = await run_in_threadpool(_find, point, credential, digest)
    # What a digest names never changes, so any cache on the way may keep it.
    headers = {"cache-control": "private, max-age=31536000, immutable", "etag": f'"{digest}"'}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


def _find(point: ManagementPoint, credential: str, digest: str) -> Path:
    point.identify(credential)
    if DIGEST.fullmatch(digest) is None:
        raise ProtocolError("the path does not end in a SHA-256 in lower-case hex")
    path = point.depot.path_of(digest)
    if path is None or not path.is_file():
        raise ProtocolError(
            f"there is no content {digest}", status=404, hint="take the newest policy"
        )
    return path
