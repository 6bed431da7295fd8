"""JSON Schemas for editors, draft-07 as yaml-language-server reads it, made of the same settings classes as `secd check`.

In: the table of sections, and for completion a loaded site with its live names. Out: plain JSON. A schema helps while
writing; it accepts a little more than the loader, never less: an editor reads `5` as a number and `true` as a boolean
where the loader sees text, so text is allowed to be either, and an empty value may stand for an empty mapping.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from pydantic import TypeAdapter

from secd.config.site import LoadedSite
from secd.config.types import REF_MARK, Section

Json: TypeAlias = dict[str, Any]
Names: TypeAlias = Callable[[str], Sequence[str] | None]

DRAFT = "http://json-schema.org/draft-07/schema#"
ENUM_MAX = 2000

_NAME = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_NUMBERS = ("5", "12", "0123", "1.5", "1001")
_KEPT = (
    "description", "examples", "enum", "const", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "required", "default", "minProperties", "maxProperties",
)  # fmt: skip


def json_schema(sections: Sequence[Section]) -> Json:
    """What one file of a site may hold: any of these sections."""
    return _file_schema(sections, lambda _: None)


def site_schema(sections: Sequence[Section], site: LoadedSite) -> Json:
    """The same, where every reference is one of the names that the site has now."""
    return _file_schema(sections, lambda section: list(site.written.names(section)))


def schema_files(sections: Sequence[Section], site: LoadedSite | None = None) -> Mapping[str, Json]:
    """File name -> schema: `site.json` for files that hold anything, and one for files of a single section."""
    schema = json_schema if site is None else lambda chosen: site_schema(chosen, site)
    return {
        "site.json": schema(sections),
        **{f"{section.key}.json": schema([section]) for section in sections if section.key != "site"},
    }


def _file_schema(sections: Sequence[Section], names: Names) -> Json:
    adapters = [(section.key, "validation", TypeAdapter(section.model)) for section in sections]
    by_key, shared = TypeAdapter.json_schemas(adapters, ref_template="#/definitions/{model}")  # type: ignore[arg-type]
    properties = {}
    for section in sections:
        own = _draft_07(by_key[(section.key, "validation")], names)
        properties[section.key] = own if not section.many else _many(own)
    definitions = {name: _draft_07(schema, names) for name, schema in shared.get("$defs", {}).items()}
    return {
        "$schema": DRAFT,
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "definitions": definitions,
    }


def _many(entry: Json) -> Json:
    return {"type": ["object", "null"], "patternProperties": {_NAME: entry}, "additionalProperties": False}


def _draft_07(schema: Any, names: Names) -> Any:
    """One schema of pydantic's in the older form, without null, with what an editor's YAML makes of a text."""
    if not isinstance(schema, dict):
        return schema
    for key in ("anyOf", "oneOf"):
        branches = [branch for branch in schema.get(key, ()) if branch != {"type": "null"}]
        if branches:
            return _choice(key, branches, schema, names)
    if "$ref" in schema:
        return _described({"$ref": schema["$ref"]}, schema)
    if REF_MARK in schema:
        return _reference(schema, names)
    made: Json = {key: schema[key] for key in _KEPT if key in schema}
    if made.get("default") is None or (schema.get("type") == "string") is not isinstance(made["default"], str):
        made.pop("default", None)
    made |= _inner(schema, names)
    kind = schema.get("type")
    if kind is not None:
        made["type"] = _types(kind, schema)
    if "enum" in made or "const" in made:
        choices = made.pop("enum", None) or [made.pop("const")]
        made["enum"] = [*choices, *(parsed for choice in choices for parsed in _as_parsed(choice))]
        made.pop("type", None)
    return made


def _choice(key: str, branches: list[Any], schema: Json, names: Names) -> Json:
    if len(branches) == 1:
        return _described(_draft_07(branches[0], names), schema)
    return _described({key: [_draft_07(branch, names) for branch in branches]}, schema)


def _described(made: Json, schema: Json) -> Json:
    """With the description of the place; beside a $ref the older form ignores everything, so it is wrapped."""
    words: Json = {key: schema[key] for key in ("description", "examples") if key in schema}
    return {"allOf": [made], **words} if words and "$ref" in made else {**made, **words}


def _inner(schema: Json, names: Names) -> Json:
    made: Json = {}
    for key in ("properties", "patternProperties"):
        if key in schema:
            made[key] = {name: _draft_07(below, names) for name, below in schema[key].items()}
    for key in ("additionalProperties", "items"):
        if key in schema:
            made[key] = _draft_07(schema[key], names)
    if "propertyNames" in schema:
        made["propertyNames"] = {
            key: value for key, value in _draft_07(schema["propertyNames"], names).items() if key != "type"
        }
    if "prefixItems" in schema:
        made["items"] = [_draft_07(item, names) for item in schema["prefixItems"]]
        made["additionalItems"] = False
    return made


def _types(kind: str, schema: Json) -> str | list[str]:
    if kind == "object":
        return "object" if schema.get("required") else ["object", "null"]
    if kind != "string" or "format" in schema:
        return kind
    pattern = schema.get("pattern", "")
    more = [
        name
        for name, samples in (("number", _NUMBERS), ("boolean", ("true",)))
        if any(re.search(pattern, sample) for sample in samples)
    ]
    return [kind, *more] if more else kind


def _as_parsed(choice: object) -> list[object]:
    """What an editor's YAML makes of a choice that looks like a number or a boolean."""
    if choice in {"true", "false"}:
        return [choice == "true"]
    return [int(choice)] if isinstance(choice, str) and choice.isascii() and choice.isdigit() else []


def _reference(schema: Json, names: Names) -> Json:
    """A name of another section: one of the live names, where they are known."""
    mark = schema[REF_MARK]
    plain = _draft_07({key: value for key, value in schema.items() if key != REF_MARK}, names)
    known = [names(section) for section in mark["sections"]]
    if any(found is None for found in known):
        return dict(plain)
    live = [name for found in known for name in found or ()] + mark["extra"]
    if not live or len(live) > ENUM_MAX:
        return dict(plain)
    described = {key: plain[key] for key in ("description",) if key in plain}
    if mark["point"]:
        return {
            **described,
            "type": "string",
            "pattern": f"^({'|'.join(map(re.escape, live))})(/[A-Za-z0-9_.-]+)?$",
            "examples": [f"{live[0]}/1"],
        }
    return {**described, "enum": [*live, *(parsed for name in live for parsed in _as_parsed(name))]}
