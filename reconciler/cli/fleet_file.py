"""The fleet of `patchwright simulate`: a YAML file by the same rules as manifests."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from reconciler.model.codes import Code
from reconciler.model.errors import ManifestError, SourceError
from reconciler.model.problems import Problem
from reconciler.simulation.fleet_spec import FleetSpec
from reconciler.source.documents import RawDocument, parse_documents
from reconciler.source.explain import explain
from reconciler.source.folder import read_regular_file


def load_fleet_spec(path: Path) -> FleetSpec:
    """Read the file; raises SourceError, or ManifestError with all that is wrong by its place."""
    try:
        content = read_regular_file(path.resolve())
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"{path} cannot be read: {reason}") from error
    documents = list(parse_documents(str(path), content))
    problems = [one for one in documents if isinstance(one, Problem)]
    raw = [one for one in documents if isinstance(one, RawDocument)]
    if problems or len(raw) != 1:
        hint = "one document describes the fleet: see docs/simulate.md"
        if not problems:
            raise SourceError(f"{path} holds {len(raw)} documents and not one", hint=hint)
        raise ManifestError(problems, str(path))
    try:
        return FleetSpec.model_validate(raw[0].data)
    except ValidationError as error:
        raise ManifestError(_problems(error, raw[0]), str(path)) from error


def _problems(error: ValidationError, raw: RawDocument) -> list[Problem]:
    found = []
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and detail["input"]:
            # Faulty items were left out of the count; they are told by themselves.
            continue
        if detail["type"] == "value_error":
            place, message = detail["loc"], detail["msg"].removeprefix("Value error, ")
            found.append(Problem(raw.locate(place), Code.OUT_OF_RANGE.value, message))
            continue
        finding = explain(detail, FleetSpec, raw.data)
        at = raw.locate(finding.field, at_key=finding.at_key)
        found.append(Problem(at, finding.code, finding.message, finding.hint))
    return found
