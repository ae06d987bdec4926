"""Twilio's own OpenAPI file as a judge: is a request one that its API takes, and an answer one that it gives?"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from jsonschema import Draft202012Validator, FormatChecker

JSON = dict[str, Any]
FORM = "application/x-www-form-urlencoded"
# What the file says in prose only: a call needs something to do, a text something to say.
ONE_OF = {"CreateCallRequest": {"Url", "Twiml", "ApplicationSid"}, "CreateMessageRequest": {"Body", "MediaUrl"}}

_formats = FormatChecker(formats=[])


@_formats.checks("phone-number")
@_formats.checks("endpoint")
def _number(value: object) -> bool:
    return bool(re.fullmatch(r"\+[1-9]\d{6,14}", str(value)))


@_formats.checks("uri")
def _uri(value: object) -> bool:
    if value is None:
        # Whether it may be missing is for its type to say.
        return True
    parts = urlsplit(str(value))
    return parts.scheme in ("http", "https") and bool(parts.hostname) and "_" not in (parts.hostname or "")


class Contract:
    """The operations of the file. Shapes: a form is name → values in order, as `parse_qs` gives it."""

    def __init__(self, document: JSON) -> None:
        self._schemas = document["components"]["schemas"]
        self._paths = {_pattern(path): (path, operations) for path, operations in document["paths"].items()}

    def request_faults(self, method: str, target: str, form: Mapping[str, Sequence[str]], auth: str = "") -> list[str]:
        """What is wrong with a request; empty if nothing is."""
        parts = urlsplit(target)
        found = self._operation(method, parts.path)
        if isinstance(found, str):
            return [found]
        operation, in_path = found
        declared = {(p["in"], p["name"]): p for p in operation.get("parameters", [])}
        query = parse_qs(parts.query, keep_blank_values=True)
        faults = [*_authorized(auth, in_path.get("AccountSid") or in_path.get("Sid", ""))]
        for place, values in (("path", {name: [value] for name, value in in_path.items()}), ("query", query)):
            schema = _object({name: p["schema"] for (where, name), p in declared.items() if where == place})
            schema["required"] = [name for (where, name), p in declared.items() if where == place and p.get("required")]
            faults += self._form_faults(schema, values)
        body = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema")
        return faults + (self._form_faults(body, form) if body else [f"it has a form: {sorted(form)}"] if form else [])

    def answer_faults(self, method: str, target: str, status: int, body: JSON) -> list[str]:
        """What is wrong with a good answer; faults of Twilio's have no schema."""
        found = self._operation(method, urlsplit(target).path)
        if isinstance(found, str):
            return [found]
        answer = found[0]["responses"].get(str(status))
        if answer is None:
            return [f"{method} {target} is never answered with {status}"]
        schema = self._resolved(answer["content"]["application/json"]["schema"])
        return self._faults({**schema, "additionalProperties": False}, body)

    def _operation(self, method: str, path: str) -> tuple[JSON, dict[str, str]] | str:
        # A template with fewer placeholders is the closer one.
        for pattern in sorted(self._paths, key=lambda one: one.groups):
            match = pattern.fullmatch(path)
            if match:
                operation = self._paths[pattern][1].get(method.lower())
                return (operation, match.groupdict()) if operation else f"{method} is not allowed at {path}"
        return f"there is no {path}"

    def _form_faults(self, schema: JSON, form: Mapping[str, Sequence[str]]) -> list[str]:
        properties = schema.get("properties", {})
        values = {name: _typed(self._resolved(properties.get(name, {})), given) for name, given in form.items()}
        faults = self._faults({**schema, "additionalProperties": False}, values)
        needed = ONE_OF.get(schema.get("title", ""), set())
        return faults + ([f"one of {sorted(needed)} is missing"] if needed and not needed & values.keys() else [])

    def _faults(self, schema: JSON, value: object) -> list[str]:
        rooted = {**schema, "components": {"schemas": self._schemas}}
        return [error.message for error in Draft202012Validator(rooted, format_checker=_formats).iter_errors(value)]

    def _resolved(self, schema: JSON) -> JSON:
        while "$ref" in schema:
            schema = self._schemas[schema["$ref"].rpartition("/")[2]]
        return schema


@cache
def load(folder: Path) -> Contract:
    """The contract in the folder of real data."""
    return Contract(json.loads((folder / "twilio_api_v2010.json").read_text(), object_hook=_with_null))


def _with_null(schema: JSON) -> JSON:
    """OpenAPI 3.0 says `nullable` where JSON Schema has a type more."""
    if schema.get("nullable") and isinstance(schema.get("type"), str):
        return {**schema, "type": [schema["type"], "null"]}
    return schema


def _object(properties: JSON) -> JSON:
    return {"type": "object", "properties": properties}


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", re.escape(path)))


def _typed(schema: JSON, given: Sequence[str]) -> Any:
    """The value that a form's text stands for; text that stands for none stays text, and fails its type."""
    kind = schema.get("type")
    if kind == "array":
        return [_typed(schema.get("items", {}), [value]) for value in given]
    if len(given) != 1:
        return list(given)
    text = given[0]
    if kind == "boolean":
        return {"true": True, "false": False}.get(text.lower(), text)
    if kind in ("integer", "number"):
        return float(text) if re.fullmatch(r"-?\d+(\.\d+)?", text) else text
    return text


def _authorized(auth: str, account: str) -> Iterator[str]:
    scheme, _, encoded = auth.partition(" ")
    name = base64.b64decode(encoded).decode().partition(":")[0] if scheme == "Basic" else ""
    if name != account:
        yield f"it is not signed in as {account}"
