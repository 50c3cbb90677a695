"""Documents drawn from the published schemas, whole ones and such with one mutation."""

import copy
import json
import re

from hypothesis import strategies as st

from reconciler.kinds.registry import KINDS
from reconciler.kinds.schema import make_schemas

MADE = make_schemas()
SCHEMAS = {kind: json.loads(MADE[f"{kind.lower()}.json"]) for kind in KINDS}
DEEPEST = 4
# Texts of every form that the language has; a pattern takes those that fit it.
SAMPLES = (
    "1h", "7d", "0s", "-1d", "4d", "95%", "0.5%", "2025-09-02", "2025-09-02T06:00:00Z",
    "22:00", "UTC", "local", "everyone", "BAR", "10.1.0.0/16", "2MB/s", ">=important", "low",
    "FREQ=DAILY", "https://a.example/", "/srv/debian", "windows.csv", "install.sh", "0" * 64,
    "a@b.example", "SELECT 1", "asap", "Halted", ">=2.1", "ts.mode", "/etc/ts.conf",
)  # fmt: skip
# What a mutation puts in place of a value.
STRANGE: tuple[object, ...] = (
    None, True, False, 0, 1, -1, 300, 1.5, "", " ", "x", "Not A Name", "1 hour", "0s", "0%", "101%",
    [], {}, [1], [{}], ["x"], {"x": 1}, *SAMPLES,
)  # fmt: skip


_BUILT: dict[tuple[str, int, int], st.SearchStrategy] = {}


def texts_of(pattern: str | None):
    fitting = [one for one in SAMPLES if re.search(pattern or "", one)]
    return st.sampled_from(fitting)


def values_of(schema, defs, depth=0):
    """Draw what a schema accepts, as far as one keyword at a time tells.

    Each part is built once: a query that nests would else be built hundreds of times a draw.
    """
    key = (json.dumps(schema, sort_keys=True), id(defs), depth)
    if key not in _BUILT:
        _BUILT[key] = _build(schema, defs, depth)
    return _BUILT[key]


def _build(schema, defs, depth):
    if "$ref" in schema:
        return values_of(defs[schema["$ref"].rpartition("/")[2]], defs, depth)
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices and "type" not in schema:
        # Deep in a query only leaves end it.
        shallow = [one for one in choices if depth < DEEPEST or not _nests(one)]
        return st.one_of([values_of(one, defs, depth) for one in shallow or choices])
    if "const" in schema:
        return st.just(schema["const"])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if isinstance(schema.get("type"), list):
        return st.one_of([values_of({"type": one}, defs, depth) for one in schema["type"]])
    return _typed(schema, defs, depth)


def _nests(choice) -> bool:
    return choice.get("$ref", "").rpartition("/")[2] in {"AllOf", "AnyOf", "Not"}


def _typed(schema, defs, depth):
    match schema.get("type"):
        case "object":
            return _objects(schema, defs, depth)
        case "array":
            least = schema.get("minItems", 0)
            items = values_of(schema["items"], defs, depth + 1)
            return st.lists(items, min_size=least, max_size=least + 1)
        case "string":
            return texts_of(schema.get("pattern"))
        case "integer" | "number":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 9))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    raise AssertionError(schema)


def _objects(schema, defs, depth):
    if "properties" not in schema:
        return st.dictionaries(st.sampled_from(["team", "note"]), st.just("text"), max_size=1)
    required = set(schema.get("required", ()))
    for either in schema.get("anyOf", ()):
        required |= set(either.get("required", ())) & {"phases"}
    fields = {name: values_of(one, defs, depth + 1) for name, one in schema["properties"].items()}
    choices = _exclusive([_alternative(one) for one in schema.get("oneOf", ())])

    firm = {
        name: values_of(_not_null(schema["properties"][name]), defs, depth + 1)
        for name in set().union(*(wanted for wanted, _ in choices))
    }

    def whole(choice):
        wanted, unwanted = choice
        needed = {
            name: firm[name] if name in wanted else one
            for name, one in fields.items()
            if name in required | wanted
        }
        rest = {name: one for name, one in fields.items() if name not in {*needed, *unwanted}}
        if depth >= DEEPEST:
            rest = {}
        least = schema.get("minProperties", 0)
        made = st.fixed_dictionaries(needed, optional=rest)
        return made.filter(lambda value: len(value) >= least) if least else made

    return st.sampled_from(choices).flatmap(whole)


def _exclusive(choices):
    """Have each of several alternatives forbid what only the others need."""
    return [
        (wanted, unwanted | set().union(*(other for other, _ in choices)) - wanted)
        for wanted, unwanted in choices
    ] or [(set(), set())]


def _not_null(schema):
    """Give the schema without the choice of null, so that no draw has to be thrown away."""
    if "anyOf" not in schema:
        return schema
    return {**schema, "anyOf": [one for one in schema["anyOf"] if one != {"type": "null"}]}


def _alternative(schema):
    """Give the fields that one of several alternatives needs, and those it forbids."""
    parts = schema.get("allOf", [schema])
    wanted, unwanted = set(), set()
    for part in parts:
        wanted |= set(part.get("required", ()))
        for inner in part.get("oneOf", ())[:1]:
            wanted |= set(inner["required"])
            unwanted |= {name for one in part["oneOf"][1:] for name in one["required"]}
        nulls = {n for n, one in part.get("properties", {}).items() if one == {"type": "null"}}
        unwanted |= nulls
    return wanted, unwanted


def documents_of(kind: str):
    schema = SCHEMAS[kind]
    return values_of(schema, schema["$defs"])


def paths_in(value, at=()):
    yield at
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, inner in steps:
            yield from paths_in(inner, (*at, step))


@st.composite
def mutated(draw, kind: str):
    """Draw a good document with one value replaced, one field left out, or one too many."""
    document = copy.deepcopy(draw(documents_of(kind)))
    path = draw(st.sampled_from([one for one in paths_in(document) if one]))
    parent = document
    for step in path[:-1]:
        parent = parent[step]
    how = draw(st.sampled_from(["replace", "replace", "remove", "add"]))
    if how == "remove":
        del parent[path[-1]]
    elif how == "add" and isinstance(parent, dict):
        parent["unheardOf"] = 1
    else:
        parent[path[-1]] = draw(st.sampled_from(STRANGE))
    return document
