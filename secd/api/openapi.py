"""The OpenAPI document, generated from the table of routes, so that it cannot disagree with the server."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from pydantic.json_schema import models_json_schema

from secd import __version__
from secd.api.requests import Body


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the API: method, path, the permission it needs, what answers it and what it takes."""

    method: str
    path: str
    permission: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    body: type[Body] | None = None
    says: str = ""


def openapi_document(routes: Sequence[Route]) -> dict[str, Any]:
    """OpenAPI 3.1 for `routes`."""
    bodies = {route.body for route in routes if route.body is not None}
    _, schemas = models_json_schema(
        [(body, "validation") for body in sorted(bodies, key=lambda body: body.__name__)],
        ref_template="#/components/schemas/{model}",
    )
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "secd", "version": __version__, "description": "Over the daemon's Unix socket only."},
        "paths": paths,
        "components": {"schemas": schemas.get("$defs", {})},
    }


def _operation(route: Route) -> dict[str, Any]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    operation: dict[str, Any] = {
        "summary": route.says,
        "x-permission": route.permission,
        "parameters": [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names],
        "responses": {
            "200": {"description": "done"},
            "400": {"description": "the request is not understood; `detail` says why"},
            "403": {"description": "not an operator, or no role that may"},
            "404": {"description": "no such thing"},
            "409": {"description": "refused; `code` and `detail` say why"},
        },
    }
    if route.body is not None:
        schema = {"$ref": f"#/components/schemas/{route.body.__name__}"}
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return operation
