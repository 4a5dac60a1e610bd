"""What differs between two pod templates, in lines that show no value of an environment variable. Pure."""

from collections.abc import Iterator
from typing import Any

from actions.clients.kubernetes_api import Json
from actions.model.text import clean
from actions.platforms.kubernetes.revisions import plain, reference

MOST = 6
SHOWN = ("image", "resources", "replicas", "labels", "tag", "terminationGracePeriodSeconds", "serviceAccountName")
"""Values that may be shown; of all others only that they changed. Commands and variables may hold secrets."""


def difference(before: Json, after: Json) -> tuple[str, ...]:
    """At most `MOST` lines such as `api.image 2.4.1 → 2.4.0` and `api.env FEATURE changed`."""
    lines = list(_walk(_named(before), _named(after), ()))
    more = [f"and {len(lines) - MOST + 1} more"] if len(lines) > MOST else []
    return tuple(lines[: MOST - len(more)] + more)


def _walk(before: Any, after: Any, path: tuple[str, ...]) -> Iterator[str]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _walk(before.get(key), after.get(key), (*path, str(key)))
        return
    where = clean(".".join(path), limit=120)
    if before is None or after is None:
        yield f"{where} {'added' if before is None else 'removed'}"
    elif "env" not in path and any(part in SHOWN for part in path):
        yield f"{where} {clean(str(before), limit=100)} → {clean(str(after), limit=100)}"
    else:
        yield f"{where} changed"


def _named(thing: Any) -> Any:
    """Lists of named things as maps by name, and the wrapping of a template left out, so that paths read well."""
    if isinstance(thing, list):
        if thing and all(isinstance(one, dict) and "name" in one for one in thing):
            return {
                str(one["name"]): _named({key: value for key, value in one.items() if key != "name"}) for one in thing
            }
        return thing
    if not isinstance(thing, dict):
        return thing
    made = {key: _named(value) for key, value in thing.items()}
    if set(made) <= {"metadata", "spec"} and "spec" in made:
        spec = made["spec"]
        containers = (spec.pop("containers", None) or {}) if isinstance(spec, dict) else {}
        return {**{key: value for key, value in made.items() if key == "metadata"}, **spec, **containers}
    return made


def changed_by_admission(answer: Json, template: Json) -> str:
    """How the template that the server answered differs from the one it was sent; empty when it does not."""
    got = answer["spec"]["template"]
    return "" if reference(got) == reference(template) else "; ".join(difference(plain(template), plain(got)))
