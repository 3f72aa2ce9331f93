"""Holds what the server answers against the Matrix specification's own schemas (client_server.json)."""

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema

_FILE = Path(__file__).with_name("client_server.json")
_DRAFT = jsonschema.Draft202012Validator


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path of the Client-Server API."""

    name: str
    method: str
    path: str
    auth: str
    rate_limited: bool
    deprecated: bool
    parameters: tuple[dict[str, Any], ...]
    body: dict[str, Any] | None
    responses: dict[str, dict[str, Any] | None]


@functools.cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return document


@functools.cache
def operations() -> tuple[Operation, ...]:
    """Every operation of the spec; the few paths with two operations of one method appear twice."""
    return tuple(
        Operation(**{**each, "parameters": tuple(each["parameters"])}) for each in _document()["operations"]
    )


@functools.cache
def _routes() -> list[tuple[re.Pattern[str], Operation]]:
    def literal_first(operation: Operation) -> list[bool]:
        return [step.startswith("{") for step in operation.path.split("/")]

    def pattern(path: str) -> re.Pattern[str]:
        steps = [r"[^/]+" if step.startswith("{") else re.escape(step) for step in path.split("/")]
        # An empty state key stands for itself, with or without the slash before it.
        whole = "/".join(steps).replace(r"/state/[^/]+/[^/]+", r"/state/[^/]+(/[^/]*)?")
        return re.compile(whole)

    return [(pattern(each.path), each) for each in sorted(operations(), key=literal_first)]


def find_operations(method: str, path: str) -> list[Operation]:
    """The operations behind a request's method and path (still percent-encoded); none outside the spec."""
    matching = [each for route, each in _routes() if each.method == method and route.fullmatch(path)]
    return [each for each in matching if each.path == matching[0].path]


def check(schema: dict[str, Any], value: object, what: str) -> None:
    """Raise AssertionError, with the place in `value`, unless it is valid against `schema`."""
    validator = _DRAFT({**schema, "$defs": _document()["$defs"]})
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if error is not None:
        raise AssertionError(f"{what}: {error.json_path}: {error.message}")


def validate_response(method: str, path: str, status: int, body: object) -> None:
    """Check one answer.

    Args:
        path: as requested, without the query.
        body: the parsed JSON body, None where the answer was not JSON.
    Raises:
        AssertionError: with the JSON path of what does not match.
    """
    what = f"{method} {path} answered {status}"
    found = find_operations(method, path)
    documented = [each.responses[str(status)] for each in found if str(status) in each.responses]
    if status >= 400:
        _check_error(body, [each for each in documented if each is not None], what)
        return
    if status == 206:
        return  # part of a file, by HTTP's own rules
    if found and not documented and 200 <= status < 300:
        raise AssertionError(f"{what}, which the spec does not know for {found[0].name}")
    schemas = [each for each in documented if each is not None]
    if schemas and body is None:
        raise AssertionError(f"{what} without a JSON body")
    if schemas:
        _check_any(schemas, body, what)


def _check_error(body: object, documented: list[dict[str, Any]], what: str) -> None:
    if not isinstance(body, dict):
        raise AssertionError(f"{what} without a JSON object: {body!r}")
    if "flows" in body:
        # What user-interactive authentication asks for is no standard error, but may carry one.
        check({"$ref": "#/$defs/auth_response"}, body, what)
        return
    check({"$ref": "#/$defs/error", "required": ["errcode", "error"]}, body, what)
    if not body["error"] or not re.fullmatch(r"[A-Z][A-Z0-9_.]*|[a-z0-9_.-]+\.[A-Z0-9_]+", body["errcode"]):
        raise AssertionError(f"{what}: errcode {body['errcode']!r}, error {body['error']!r}")
    without_authentication = [each for each in documented if each.get("$ref") != "#/$defs/auth_response"]
    if without_authentication:
        _check_any(without_authentication, body, what)


def _check_any(schemas: list[dict[str, Any]], body: object, what: str) -> None:
    if len(schemas) == 1:
        check(schemas[0], body, what)
    else:
        check({"anyOf": schemas}, body, what)
