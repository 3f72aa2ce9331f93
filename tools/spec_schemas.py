"""Turn the Matrix specification's OpenAPI of the Client-Server API into tests/spec/client_server.json.

Usage: .venv-synapse/bin/python tools/spec_schemas.py DIRECTORY-OF-THE-SPEC/data (needs PyYAML)
"""

import argparse
import json
import re
from pathlib import Path
from typing import Any

import yaml

OUTPUT = Path(__file__).parents[1] / "tests" / "spec" / "client_server.json"
METHODS = ("get", "put", "post", "delete")
# Only what decides whether a value is valid is kept; prose, examples and display hints are not.
KEPT = frozenset(
    {"type", "enum", "const", "required", "pattern", "minimum", "maximum", "minItems", "maxItems"}
)
SCHEMA_IN = frozenset({"items", "additionalProperties", "not", "contains", "propertyNames"})
SCHEMAS_IN = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
SCHEMA_MAPS_IN = frozenset({"properties", "patternProperties"})
PATTERNS = {
    "mx-user-id": "^@",
    "mx-event-id": r"^\$",
    "mx-room-id": "^!",
    "mx-room-alias": "^#",
    "mx-mxc-uri": "^mxc://",
}


class Reader:
    """Reads YAML files, follows references, and gathers the definitions that schemas share."""

    def __init__(self) -> None:
        self.definitions: dict[str, Any] = {}
        self._files: dict[Path, Any] = {}
        self._names: dict[tuple[Path, str], str] = {}

    def file(self, path: Path) -> Any:
        path = path.resolve()
        if "identity" in path.parts:
            return {}  # Bongsu has no identity server; what one would be asked is left open
        if path not in self._files:
            self._files[path] = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
        return self._files[path]

    def follow(self, node: Any, path: Path) -> tuple[Any, Path]:
        """The node that `node` refers to, and the file it stands in; itself where it is no reference."""
        while isinstance(node, dict) and "$ref" in node:
            path, pointer = self._target(node["$ref"], path)
            node = self.file(path)
            for step in filter(None, pointer.split("/")):
                node = node[step]
        return node, path

    def schema(self, node: Any, path: Path) -> Any:
        """What is left of a schema: keywords that validate, with references into `definitions`."""
        if not isinstance(node, dict):
            return node
        kept = {key: value for key, value in node.items() if key in KEPT}
        if node.get("format") in PATTERNS:
            kept.setdefault("pattern", PATTERNS[node["format"]])
        if "$ref" in node:
            kept["$ref"] = "#/$defs/" + self._define(node["$ref"], path)
        for key in node.keys() & SCHEMA_IN:
            kept[key] = self.schema(node[key], path)
        for key in node.keys() & SCHEMAS_IN:
            # The spec writes oneOf where both may hold: an event is also an object of any content.
            kept["anyOf" if key == "oneOf" else key] = [self.schema(each, path) for each in node[key]]
        for key in node.keys() & SCHEMA_MAPS_IN:
            kept[key] = {name: self.schema(each, path) for name, each in node[key].items()}
        if kept.get("additionalProperties") in (True, {}):
            del kept["additionalProperties"]
        return kept

    def _target(self, reference: str, path: Path) -> tuple[Path, str]:
        file, _, pointer = reference.strip().partition("#")
        return ((path.parent / file).resolve() if file else path.resolve()), pointer

    def _define(self, reference: str, path: Path) -> str:
        target = self._target(reference, path)
        if target not in self._names:
            stem = re.sub(r"\W", "_", target[1].rpartition("/")[2] or target[0].stem)
            name = next(
                name
                for name in (stem, *(f"{stem}_{count}" for count in range(2, 99)))
                if name not in self.definitions
            )
            self._names[target] = name
            self.definitions[name] = None  # held before it is read: schemas may be recursive
            self.definitions[name] = self.schema(*self.follow({"$ref": reference}, path))
        return self._names[target]


def auth(operation: dict[str, Any]) -> str:
    """`none`, `optional`, `token`, or `as_token` (only for application services)."""
    schemes = [name for scheme in operation.get("security", []) for name in (scheme or {"": []})]
    if not schemes:
        return "none"
    # A federation signature is another way in than the one a client has.
    if "" in schemes or "signedRequest" in schemes:
        return "optional"
    return "token" if "accessTokenBearer" in schemes else "as_token"


def json_schema(reader: Reader, node: Any, path: Path) -> Any:
    """The schema of a request's or response's JSON body; None where it has none."""
    node, path = reader.follow(node, path)
    media_type = node.get("content", {}).get("application/json")
    return reader.schema(media_type["schema"], path) if media_type else None


def parameter(reader: Reader, node: Any, path: Path) -> dict[str, Any]:
    node, path = reader.follow(node, path)
    schema = reader.schema(node.get("schema", {}), path)
    return {"in": node["in"], "name": node["name"], "required": node.get("required", False), "schema": schema}


def operations(reader: Reader, path: Path) -> list[dict[str, Any]]:
    """Every operation that one file of the spec describes."""
    api = reader.file(path)
    base = api["servers"][0]["variables"].get("basePath", {}).get("default", "")
    found = []
    for route, item in api["paths"].items():
        for method in METHODS:
            if method not in item:
                continue
            operation = item[method]
            body = operation.get("requestBody")
            parameters = [*item.get("parameters", []), *operation.get("parameters", [])]
            found.append(
                {
                    "name": operation["operationId"],
                    "method": method.upper(),
                    # A space at the end is how the spec's files give one path two operations.
                    "path": base + route.rstrip(),
                    "auth": auth(operation),
                    "rate_limited": "429" in operation["responses"],
                    "deprecated": operation.get("deprecated", False),
                    "parameters": [parameter(reader, each, path) for each in parameters],
                    "body": json_schema(reader, body, path) if body else None,
                    "responses": {
                        str(status): json_schema(reader, response, path)
                        for status, response in operation["responses"].items()
                    },
                }
            )
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    folder = parser.parse_args().data / "api" / "client-server"
    reader = Reader()
    found = [operation for path in sorted(folder.glob("*.yaml")) for operation in operations(reader, path)]
    found.sort(key=lambda each: (each["path"], each["method"]))
    document = {"$defs": dict(sorted(reader.definitions.items())), "operations": found}
    lines = json.dumps(document, separators=(",", ":"), ensure_ascii=False, sort_keys=True)
    # One operation a line, so that a change of the spec is a diff that can be read.
    OUTPUT.write_text(lines.replace('{"auth":', '\n{"auth":') + "\n", encoding="utf-8")
    print(f"{len(found)} operations, {len(reader.definitions)} shared schemas")


if __name__ == "__main__":
    main()
