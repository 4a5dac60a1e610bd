"""Who may do what: bearer tokens, users, rules."""

from dataclasses import dataclass, field

from tests.kubernetes.double.status import ApiError, forbidden, unauthorized

ANY = "*"
READ = ("get", "list", "watch")


@dataclass(frozen=True)
class Rule:
    """One grant (or refusal) in RBAC's terms; `resources` may name subresources as `deployments/scale`."""

    verbs: tuple[str, ...] = (ANY,)
    resources: tuple[str, ...] = (ANY,)
    groups: tuple[str, ...] = (ANY,)
    namespaces: tuple[str, ...] = (ANY,)
    names: tuple[str, ...] = (ANY,)

    def covers(self, verb: str, resource: str, group: str, namespace: str, name: str) -> bool:
        pairs = (
            (self.verbs, verb),
            (self.resources, resource),
            (self.groups, group),
            (self.namespaces, namespace),
            (self.names, name),
        )
        return all(ANY in allowed or value in allowed for allowed, value in pairs)


@dataclass
class Identity:
    """A user; `denied` outweighs `rules`, so that a test can take one right away from an administrator."""

    user: str
    token: str
    rules: list[Rule] = field(default_factory=list)
    denied: list[Rule] = field(default_factory=list)

    def may(self, verb: str, resource: str, group: str, namespace: str, name: str = "") -> bool:
        asked = (verb, resource, group, namespace, name)
        return any(rule.covers(*asked) for rule in self.rules) and not any(rule.covers(*asked) for rule in self.denied)


class Access:
    """The users: `admin` may do everything, `viewer` only read; any other name has a token that is not known."""

    def __init__(self) -> None:
        self._identities: dict[str, Identity] = {}
        self._expired: set[str] = set()
        self.synced = True
        """False on a server that has just started and has not read its roles: it refuses everybody with 403."""
        self.add("admin", Rule())
        self.add("viewer", Rule(verbs=READ))

    def add(self, user: str, *rules: Rule) -> Identity:
        """A new user with exactly these rules; an existing one is replaced and keeps its token."""
        self._identities[user] = Identity(user, self.token(user), list(rules))
        return self._identities[user]

    def token(self, user: str) -> str:
        """The bearer token of a user, known or not."""
        return f"token-of-{user}"

    def identity(self, user: str) -> Identity:
        return self._identities[user]

    def expire(self, user: str) -> None:
        """From now on the user's token is answered 401."""
        self._expired.add(user)

    def renew(self, user: str) -> None:
        self._expired.discard(user)

    def authenticate(self, header: str | None) -> Identity:
        """The user of an `Authorization` header. Raises ApiError 401."""
        token = (header or "").removeprefix("Bearer ")
        for identity in self._identities.values():
            if identity.token == token and identity.user not in self._expired:
                return identity
        raise unauthorized()


def require(who: Identity, verb: str, resource: str, group: str, namespace: str, name: str, synced: bool) -> None:
    """Raise ApiError 403 unless the user may."""
    if not (synced and who.may(verb, resource, group, namespace, name)):
        full = f"{resource}.{group}" if group else resource
        refusal: ApiError = forbidden(who.user, verb, full, name, namespace)
        raise refusal
