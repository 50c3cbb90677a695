"""The files of a commit to typed documents, with everything that is wrong in one go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from pydantic import ValidationError

from reconciler.desired.state import Loaded, Placed
from reconciler.kinds.base import Document, Model
from reconciler.kinds.not_yet import not_yet_uses
from reconciler.kinds.registry import CARRIED_OUT, KINDS
from reconciler.model.codes import Code
from reconciler.model.gathering import Gathered
from reconciler.model.hints import did_you_mean
from reconciler.model.problems import Location, Problem, Severity
from reconciler.source.composing import FieldPath, Places, SourceFile
from reconciler.source.documents import HIDES_NAMES, RawDocument, parse_documents
from reconciler.source.explain import explain, render_path
from reconciler.source.reading import ambiguity, paths_of
from reconciler.source.scalars import Tag
from reconciler.source.selection import TABLE_SUFFIX
from reconciler.source.tables import load_tables


@dataclass(frozen=True, slots=True)
class _Locator:
    """Finds places of one document when they are asked for."""

    source: SourceFile
    number: int

    def __call__(self, field: FieldPath) -> Location:
        return self.source.locate(self.number, field)


def load_manifests(files: Mapping[str, bytes], commit: str) -> Loaded:
    """Read all files; documents that are not whole are left out and told as problems."""
    documents: list[Placed[Document]] = []
    gathered = Gathered()
    manifests = {
        path: content for path, content in files.items() if not path.endswith(TABLE_SUFFIX)
    }
    names: dict[tuple[str, str], Location] = {}
    unread: dict[str, None] = {}
    places = Places()
    found = 0
    for path in sorted(manifests):
        for item in parse_documents(path, manifests[path], places):
            if isinstance(item, Problem):
                gathered.extend([item])
                if item.code in HIDES_NAMES:
                    unread[path] = None
                continue
            gathered.extend(_note_name(item, names))
            if not item.is_sound:
                continue
            found += 1
            document = _type(item, gathered)
            if document is not None:
                locate = _Locator(item.source, item.number)
                documents.append(Placed(document, item.locate(()), commit, locate))
    if not found and not any(problem.is_error for problem in gathered.problems):
        hint = "check the path, the sub-path and .patchwrightignore"
        message = "there is no manifest"
        gathered.extend([Problem(Location(""), Code.NO_MANIFEST.value, message, hint)])
    whole = {(placed.document.kind, placed.name) for placed in documents}
    broken = _broken(names.keys() - whole)
    tables, faults = load_tables(documents, files)
    gathered.extend(faults)
    return Loaded(
        commit,
        tuple(documents),
        gathered.problems,
        broken,
        tables,
        gathered.untold,
        tuple(unread),
    )


def _broken(named: AbstractSet[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Give what documents would have defined; one of no known kind may be of any."""
    mistyped = {name for kind, name in named if kind not in KINDS}
    return frozenset(named) | {(kind, name) for kind in KINDS for name in mistyped}


def texts_to_quote(raw: RawDocument) -> Iterator[Location]:
    """Give the places of all texts that `validate` would have quoted, however many."""
    if not raw.unsure or _is_unknown(raw.data.get("kind")):
        return iter(())
    document, _ = _validated(raw)
    return (problem.at for problem in _quoting(raw, document, set()))


def _type(raw: RawDocument, gathered: Gathered) -> Document | None:
    """Give the typed document, unless a problem that is gathered refuses it."""
    kind = raw.data.get("kind")
    if _is_unknown(kind):
        hint = did_you_mean(str(kind), KINDS) if gathered.room(raw.path) else ""
        message = f"the kind {kind!r:.80} does not exist"
        at = raw.locate(("kind",))
        gathered.extend([Problem(at, Code.UNKNOWN_KIND.value, message, hint)])
        return None
    document, error = _validated(raw)
    told: set[Location] = set()
    if error is not None:
        faults = _faults(error, raw, gathered.room(raw.path))
        gathered.extend(faults.told, {(raw.path, Severity.ERROR): faults.untold})
        told = {problem.at for problem in faults.told}
    elif document is not None:
        gathered.extend(_not_yet(raw, document))
    gathered.extend(_quoting(raw, document, told))
    return document


def _is_unknown(kind: object) -> bool:
    return isinstance(kind, str) and kind not in KINDS


def _model_of(raw: RawDocument) -> type[Document]:
    kind = raw.data.get("kind")
    return KINDS.get(kind, Document) if isinstance(kind, str) else Document


def _validated(raw: RawDocument) -> tuple[Document | None, ValidationError | None]:
    try:
        # Python may use the names inside, a manifest must not.
        return _model_of(raw).model_validate(raw.data, by_alias=True, by_name=False), None
    except ValidationError as error:
        return None, error


@dataclass(frozen=True, slots=True)
class _Faults:
    """What a validator found, and how much more of it was only counted."""

    told: list[Problem]
    untold: int


def _faults(error: ValidationError, raw: RawDocument, most: int) -> _Faults:
    told: list[Problem] = []
    untold = 0
    model = _model_of(raw)
    for detail in error.errors(include_url=False):
        if detail["type"] == "too_short" and detail["input"]:
            # Faulty items were left out of the count; they are told by themselves.
            continue
        if len(told) >= most:
            untold += 1
            continue
        finding = explain(detail, model, raw.data)
        at = raw.locate(finding.field, at_key=finding.at_key)
        told.append(Problem(at, finding.code, finding.message, finding.hint))
    return _Faults(told, untold)


def _not_yet(raw: RawDocument, document: Document) -> Iterator[Problem]:
    """Warn of what is valid and not carried out, so that nothing is accepted and ignored."""
    if document.kind not in CARRIED_OUT:
        yield Problem(
            raw.locate(("kind",)),
            Code.KIND_NOT_YET.value,
            f"{document.kind} is not carried out yet, and apply refuses it",
            severity=Severity.WARNING,
        )
        return
    for field, mark in not_yet_uses(document):
        yield Problem(
            raw.locate(field),
            Code.FIELD_NOT_YET.value,
            f"{render_path(field)} is not carried out yet, and apply refuses it: {mark.happens}",
            severity=Severity.WARNING,
        )


def _quoting(raw: RawDocument, document: Document | None, told: set[Location]) -> Iterator[Problem]:
    """Warn of texts that YAML 1.1 reads otherwise; dates may stand plain where dates are read."""
    if not raw.unsure:
        return
    for field, node in paths_of(raw.root, list(raw.unsure)):
        as_date = node.tag == Tag.AMBIGUOUS_TIME.value and (
            document is None or isinstance(_value_at(document, field), date)
        )
        problem = ambiguity(raw.path, node)
        if not as_date and problem.at not in told:
            yield problem


def _value_at(value: object, field: FieldPath) -> object:
    """Give what a field of a typed document holds, or nothing where it cannot be followed."""
    for step in field:
        if isinstance(value, Model):
            fields = type(value).model_fields.items()
            name = next((name for name, one in fields if one.alias == step), None)
            value = getattr(value, name) if name is not None else None
        elif isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, tuple) and isinstance(step, int):
            value = value[step]
    return value


def _note_name(raw: RawDocument, names: dict[tuple[str, str], Location]) -> Iterator[Problem]:
    """Tell of a second document of one kind and name, wherever both stand."""
    kind, metadata = raw.data.get("kind"), raw.data.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    if not isinstance(kind, str) or not isinstance(name, str):
        return
    at = raw.locate(("metadata", "name"))
    first = names.setdefault((kind, name), at)
    if first is not at:
        message = f'{kind} "{name:.80}" is already defined in {first}'
        hint = "names are unique per kind: rename or remove one of them"
        yield Problem(at, Code.DUPLICATE_NAME.value, message, hint)
