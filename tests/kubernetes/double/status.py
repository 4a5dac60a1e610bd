"""Failures of the API as `Status` bodies, worded as a real API server words them."""

import json
from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """An answer of the API that is not a success; `body()` is what goes over the wire."""

    def __init__(self, code: int, reason: str, message: str, details: Json | None = None) -> None:
        super().__init__(f"{code} {reason}: {message}")
        self.code, self.reason, self.message, self.details = code, reason, message, details

    def body(self) -> Json:
        answer: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure"}
        answer |= {"message": self.message} | ({"reason": self.reason} if self.reason else {})
        if self.details is not None:
            answer["details"] = self.details
        return answer | {"code": self.code}


def details(resource: str, name: str) -> Json:
    """`resource` is `plural.group`, or the bare plural of the core group."""
    plural, _, group = resource.partition(".")
    return {"name": name} | ({"group": group} if group else {}) | {"kind": plural}


def not_found(resource: str, name: str) -> ApiError:
    return ApiError(404, "NotFound", f'{resource} "{name}" not found', details(resource, name))


def no_such_path() -> ApiError:
    return ApiError(404, "NotFound", "the server could not find the requested resource", {})


def already_exists(resource: str, name: str) -> ApiError:
    return ApiError(409, "AlreadyExists", f'{resource} "{name}" already exists', details(resource, name))


def conflict(resource: str, name: str, why: str = "") -> ApiError:
    why = why or "the object has been modified; please apply your changes to the latest version and try again"
    message = f'Operation cannot be fulfilled on {resource} "{name}": {why}'
    return ApiError(409, "Conflict", message, details(resource, name))


def unauthorized() -> ApiError:
    return ApiError(401, "Unauthorized", "Unauthorized")


def forbidden(user: str, verb: str, resource: str, name: str, namespace: str) -> ApiError:
    """`resource` may carry a subresource: `deployments/scale.apps`."""
    plural, _, group = resource.partition(".")
    bare = f"{plural.partition('/')[0]}.{group}".rstrip(".")
    subject = resource if not name else f'{bare} "{name}"'
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    message = f'{subject} is forbidden: User "{user}" cannot {verb} resource "{plural}" in API group "{group}" {where}'
    about = details(bare, name)
    if not name:
        del about["name"]
    return ApiError(403, "Forbidden", message, about)


def forbidden_path(user: str, path: str) -> ApiError:
    message = f'forbidden: User "{user}" cannot get path "{path}"'
    return ApiError(403, "Forbidden", message, {})


def patch_refused() -> ApiError:
    """A JSON patch that does not apply, a failed `test` included; the server gives no more detail than this."""
    return ApiError(422, "Invalid", "the server rejected our request due to an error in our request", {})


def invalid(kind: str, group: str, name: str, causes: list[Json]) -> ApiError:
    """`causes` carry `reason`, `message` and `field` as in `StatusDetails.causes`; equal ones are told once."""
    listed = list(dict.fromkeys(f"{cause['field']}: {cause['message']}" for cause in causes))
    told = listed[0] if len(listed) == 1 else f"[{', '.join(listed)}]"
    subject = f"{kind}.{group}" if group else kind
    about = {"name": name} | ({"group": group} if group else {}) | {"kind": kind, "causes": causes}
    return ApiError(422, "Invalid", f'{subject} "{name}" is invalid: {told}', about)


def wrong_patch(patched: Json, why: str) -> ApiError:
    """A patch whose outcome cannot be read as an object of its kind; the whole outcome is told."""
    written = json.dumps(json.dumps(patched, separators=(",", ":")))
    cause = {"reason": "FieldValueInvalid", "message": f"Invalid value: {written}: {why}", "field": "patch"}
    return ApiError(422, "Invalid", f' "" is invalid: patch: {cause["message"]}', {"causes": [cause]})


def bad_version(text: str) -> ApiError:
    """A resource version that is no number; this error has no reason."""
    why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
    return ApiError(500, "", f'resourceVersion: Invalid value: "{text}": {why}')


def bad_request(message: str) -> ApiError:
    return ApiError(400, "BadRequest", message)


def unsupported_media() -> ApiError:
    """The server does not say which one it was given."""
    return ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type", {})


def method_not_allowed() -> ApiError:
    return ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def expired(asked: int, oldest: int) -> ApiError:
    return ApiError(410, "Expired", f"too old resource version: {asked} ({oldest})")
