"""The manifests of a scenario, as documents that a step can change."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from reconciler.model.problems import Problem
from reconciler.source.documents import parse_documents
from tests.scenarios.form import Commit

Documents = Mapping[str, dict[str, Any]]
"""Documents by kind and name, as `Rollout/monthly`."""

API_VERSION = "patchwright.dev/v1alpha1"


def read_mappings(path: Path) -> list[dict[str, Any]]:
    """Read a file's documents by the YAML rules of manifests."""
    found: list[dict[str, Any]] = []
    for item in parse_documents(path.name, path.read_bytes()):
        if isinstance(item, Problem) and item.is_error:
            raise ValueError(f"{path}: {item}")
        if not isinstance(item, Problem):
            found.append(item.data)
    return found


def read_documents(paths: Iterable[Path]) -> Documents:
    """Read manifests; a later one takes the place of an earlier one of its kind and name."""
    documents: dict[str, dict[str, Any]] = {}
    for path in paths:
        for data in read_mappings(path):
            key = f"{data['kind']}/{data['metadata']['name']}"
            documents[key] = {"apiVersion": API_VERSION, **data}
    return documents


def changed(documents: Documents, commit: Commit, folder: Path) -> Documents:
    """Give the documents after a commit."""
    made = {key: deepcopy(one) for key, one in documents.items()}
    made |= read_documents(folder / "manifests" / name for name in commit.put)
    for key, fields in commit.set.items():
        for path, value in fields.items():
            _set(_spec(made, key), path.split("."), value)
    for key in commit.delete:
        del made[key]
    return made


def as_text(document: Mapping[str, Any]) -> str:
    """Give a document as text that a manifest may hold: JSON is YAML."""
    return json.dumps(document)


def _spec(documents: Documents, key: str) -> Any:
    if key not in documents:
        raise KeyError(f"there is no manifest {key}")
    return documents[key]


def _set(place: Any, path: list[str], value: object) -> None:
    name, *rest = path
    if isinstance(place, list):
        index = next(number for number, one in enumerate(place) if one["name"] == name)
        if rest:
            _set(place[index], rest, value)
        else:
            place[index] = value
    elif rest:
        _set(place.setdefault(name, {}), rest, value)
    elif value is None:
        place.pop(name, None)
    else:
        place[name] = value
