"""Schemas for editors: draft-07, complete, with live names, and never stricter than the loader."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from court_site import court
from toy_site import SECTIONS, load, write

from secd.app.sections import site_sections
from secd.config.schema import json_schema, schema_files, site_schema

NOT_DRAFT_07 = {"$defs", "prefixItems", "const", "x-secd-ref", "discriminator", "title"}
MAPS = {"properties", "patternProperties", "definitions"}


def schemas_in(schema: Any) -> Iterator[dict[str, Any]]:
    """Every schema inside one, not the names of properties."""
    if isinstance(schema, list):
        for item in schema:
            yield from schemas_in(item)
    if isinstance(schema, dict):
        yield schema
        for key, value in schema.items():
            if key in MAPS:
                yield from schemas_in(list(value.values()))
            elif key not in {"enum", "examples", "required", "default", "type"}:
                yield from schemas_in(value)


def property_of(schema: dict[str, Any], model: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = schema["definitions"][model]["properties"][name]
    return found


def test_every_section_is_there_in_the_form_editors_read() -> None:
    schema = json_schema(site_sections())
    assert schema["$schema"] == "http://json-schema.org/draft-07/schema#"
    assert set(schema["properties"]) == {section.key for section in site_sections()}
    for inner in schemas_in(schema):
        assert not NOT_DRAFT_07 & inner.keys(), inner
        assert inner.get("type") != "null"
        assert "$ref" not in inner or inner.keys() == {"$ref"}


def test_every_reference_inside_a_schema_leads_somewhere() -> None:
    for schema in schema_files(site_sections()).values():
        for inner in schemas_in(schema):
            if "$ref" in inner:
                assert inner["$ref"].removeprefix("#/definitions/") in schema["definitions"]


def test_docstrings_become_descriptions() -> None:
    schema = json_schema(SECTIONS)
    assert schema["definitions"]["Area"]["description"] == "A place."
    assert property_of(schema, "Area", "label")["description"] == "A line for people."


def test_text_may_look_like_a_number_or_a_boolean_to_an_editor() -> None:
    schema = json_schema(SECTIONS)
    assert property_of(schema, "Area", "label")["type"] == ["string", "number", "boolean"]
    assert property_of(schema, "Board", "pin")["type"] == ["string", "number"]
    assert property_of(schema, "Area", "restricted")["type"] == "boolean"
    assert property_of(schema, "Camera", "at")["type"] == "string"
    assert property_of(schema, "Camera", "since")["type"] == "string"


def test_a_duration_without_unit_is_flagged_while_writing() -> None:
    assert property_of(json_schema(SECTIONS), "Rule", "hold")["type"] == "string"


def test_an_empty_value_may_stand_for_an_empty_mapping_only() -> None:
    schema = json_schema(SECTIONS)
    assert schema["properties"]["areas"]["type"] == ["object", "null"]
    assert schema["definitions"]["Area"]["type"] == ["object", "null"]
    assert schema["definitions"]["Rule"]["type"] == "object"


def test_a_list_of_unlike_items_is_written_the_older_way() -> None:
    floors = property_of(json_schema(SECTIONS), "House", "floors")
    assert [item["type"] for item in floors["items"]] == ["integer", "integer"]
    assert floors["additionalItems"] is False


def test_a_site_s_schema_knows_the_names_it_has(tmp_path: Path) -> None:
    text = "house: {name: x}\ngroups: {clerks: {}, '7': {}}\nschedules: {office: {}}\ndevices: {b: {driver: board, address: x}}\n"
    schema = site_schema(SECTIONS, load(write(tmp_path, a=text)))
    assert property_of(schema, "Rule", "who")["items"]["enum"] == ["clerks", "7", 7]
    assert property_of(schema, "Rule", "when")["anyOf"][0]["enum"] == ["office", "always"]
    assert property_of(schema, "Rule", "per_area")["propertyNames"]["enum"] == ["outside"]
    assert property_of(schema, "Point", "input")["pattern"] == "^(b)(/[A-Za-z0-9_.-]+)?$"


def test_names_nobody_wrote_yet_are_not_an_impossible_choice(tmp_path: Path) -> None:
    schema = site_schema(SECTIONS, load(write(tmp_path, a="house: {name: x}\n")))
    assert "enum" not in property_of(schema, "Rule", "who")["items"]


def test_real_sections_complete_from_a_real_site(tmp_path: Path) -> None:
    schema = site_schema(site_sections(), court(tmp_path / "court"))
    assert property_of(schema, "PanicSettings", "area")["enum"] == ["courthouse", "lobby"]
    assert json.loads(json.dumps(schema)) == schema
