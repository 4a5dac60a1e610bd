"""Which objects of a collection are meant, as the API is asked for them. Pure."""

from typing import Any, NamedTuple


class Selected(NamedTuple):
    """By a label selector, a field selector, both, or neither: all of them."""

    labels: str = ""
    fields: str = ""

    @property
    def query(self) -> dict[str, str]:
        """The parameters of a list or a watch."""
        asked = {"labelSelector": self.labels, "fieldSelector": self.fields}
        return {name: value for name, value in asked.items() if value}


ALL = Selected()


def named(name: str) -> Selected:
    """The object of that name alone."""
    return Selected(fields=f"metadata.name={name}")


def labelled(selector: dict[str, Any] | None) -> Selected:
    """The objects that a workload's own `spec.selector` selects; all of them where it has none."""
    selector = selector or {}
    parts = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for wanted in selector.get("matchExpressions") or []:
        key, values = wanted["key"], ",".join(wanted.get("values") or [])
        parts.append(
            {
                "In": f"{key} in ({values})",
                "NotIn": f"{key} notin ({values})",
                "Exists": str(key),
                "DoesNotExist": f"!{key}",
            }[wanted["operator"]]
        )
    return Selected(labels=",".join(parts))
