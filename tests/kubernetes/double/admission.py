"""Admission: rules of the cluster's owner that refuse or change what a user with every right asks for."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.kubernetes.double.kinds import Kind
from tests.kubernetes.double.status import ApiError, Json, details

CODES = {"Invalid": 422, "Forbidden": 403, "Unauthorized": 401, "RequestEntityTooLarge": 413}
Refuses = Callable[[Json], bool]


@dataclass(frozen=True)
class Policy:
    """A ValidatingAdmissionPolicy with its binding. `reason` decides the code: Invalid (422) unless it says other."""

    name: str
    message: str
    refuses: Refuses
    plural: str = "deployments"
    reason: str = "Invalid"

    def refusal(self, kind: Kind, name: str) -> ApiError:
        """The server's words: `forbidden` whatever the reason is."""
        policy = f"ValidatingAdmissionPolicy '{self.name}' with binding '{self.name}-binding'"
        told = f"{policy} denied request: {self.message}"
        about = details(kind.resource, name) | {"causes": [{"message": told}]}
        message = f'{kind.resource} "{name}" is forbidden: {told}'
        return ApiError(CODES[self.reason], self.reason, message, about)


@dataclass(frozen=True)
class Webhook:
    """A validating webhook; `code` is what it answers: 403 unless it says another, as Kyverno does (400)."""

    name: str
    message: str
    refuses: Refuses
    plural: str = "deployments"
    code: int = 403

    dry_run: bool = True
    """False: it has side effects, so the server answers a dry run with 400 in its stead."""

    def refusal(self, kind: Kind, name: str) -> ApiError:
        """A webhook's refusal names no object."""
        reason = {403: "Forbidden", 400: "BadRequest"}.get(self.code, "")
        return ApiError(self.code, reason, f'admission webhook "{self.name}" denied the request: {self.message}')


@dataclass(frozen=True)
class Mutation:
    """A mutating webhook: `change` alters the object in place; without `dry_run` it is not asked about dry runs."""

    change: Callable[[Json], object]
    plural: str = "deployments"
    dry_run: bool = True


class Admission:
    """What stands between a permitted write and the store; a dry run passes through it as well."""

    def __init__(self) -> None:
        self.rules: list[Policy | Webhook] = []
        self.mutations: list[Mutation] = []

    def mutate(self, kind: Kind, thing: Json, dry_run: bool) -> None:
        """Let every mutation change the object."""
        for one in self.mutations:
            if one.plural == kind.plural and (one.dry_run or not dry_run):
                one.change(thing)

    def validate(self, kind: Kind, thing: Json, dry_run: bool) -> None:
        """Raise ApiError when a rule refuses."""
        for rule in self.rules:
            if dry_run and isinstance(rule, Webhook) and not rule.dry_run and rule.plural == kind.plural:
                raise ApiError(400, "BadRequest", f'admission webhook "{rule.name}" does not support dry run')
            if rule.plural == kind.plural and rule.refuses(thing):
                raise rule.refusal(kind, thing["metadata"].get("name", ""))
