"""From a URL to what it asks for."""

import json
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, unquote

import yaml

from tests.kubernetes.double.kinds import NAMESPACE, Kind
from tests.kubernetes.double.status import bad_request, no_such_path

APPLY = "application/apply-patch+yaml"
_VERBS = {"POST": "create", "PUT": "update", "PATCH": "patch"}


@dataclass(frozen=True)
class Target:
    """The object or collection a request is about, in the API's terms."""

    kind: Kind
    verb: str
    namespace: str
    name: str = ""
    subresource: str = ""

    @property
    def resource(self) -> str:
        """The plural with its subresource, as RBAC names it."""
        return f"{self.kind.plural}/{self.subresource}" if self.subresource else self.kind.plural


@dataclass(frozen=True)
class Request:
    """One HTTP request, parsed."""

    method: str
    path: str
    query: dict[str, str]
    content_type: str = "application/json"
    raw: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    """What the server notes while it answers; each becomes a `Warning` header."""

    @classmethod
    def parse(cls, method: str, url: str, headers: dict[str, str], raw: bytes) -> "Request":
        path, _, query = url.partition("?")
        content_type = headers.get("content-type", "application/json").partition(";")[0].strip()
        asked = dict(parse_qsl(query, keep_blank_values=True))
        return cls(method, unquote(path).rstrip("/") or "/", asked, content_type, raw, headers)

    @cached_property
    def body(self) -> Any:
        """The decoded body, None when there is none. Raises ApiError 400."""
        if not self.raw:
            return None
        try:
            if self.content_type == APPLY:
                return yaml.safe_load(self.raw)
            return json.loads(self.raw)
        except (ValueError, yaml.YAMLError) as error:
            if self.method == "PATCH":
                raise bad_request("error decoding patch: unexpected end of JSON input") from error
            raise bad_request(f"the object provided is unrecognized: {error}") from error

    @property
    def dry_run(self) -> bool:
        body = self.body if isinstance(self.body, dict) else {}
        return self.query.get("dryRun") == "All" or body.get("dryRun") == ["All"]

    @property
    def manager(self) -> str:
        """Who asks: as the query names it, else the first word of the client."""
        return self.query.get("fieldManager") or self.headers.get("user-agent", "unknown").partition("/")[0]

    @property
    def watching(self) -> bool:
        return self.method == "GET" and self.query.get("watch", "").lower() in ("true", "1")


class NoSuchGroup(Exception):
    """A path of an API group that nobody serves: answered in plain text, not as a Status."""


def target_of(request: Request, kinds: tuple[Kind, ...]) -> Target:
    """What the request is about. Raises ApiError 404 for a path that is not served."""
    parts = request.path.strip("/").split("/")
    if parts[0] == "api" and len(parts) > 2:
        group, version, rest = "", parts[1], parts[2:]
    elif parts[0] == "apis" and len(parts) > 3:
        group, version, rest = parts[1], parts[2], parts[3:]
    else:
        raise no_such_path()
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in NAMESPACE.subresources:
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = (*rest, "", "")[:3]
    if (group, version) not in {(kind.group, kind.version) for kind in kinds}:
        raise NoSuchGroup
    for kind in kinds:
        if (kind.group, kind.version, kind.plural) == (group, version, plural):
            if subresource and subresource not in kind.subresources:
                break
            return Target(kind, _verb(request, name), namespace, name, subresource)
    raise no_such_path()


def _verb(request: Request, name: str) -> str:
    if request.watching:
        return "watch"
    if request.method == "GET":
        return "get" if name else "list"
    if request.method == "DELETE":
        return "delete" if name else "deletecollection"
    return _VERBS.get(request.method, request.method.lower())
