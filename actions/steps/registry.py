"""Every kind of step by its name. Adding a kind is adding a file and one line here."""

from collections.abc import Iterator, Mapping
from importlib import import_module

from actions.model.errors import UnknownNameError
from actions.steps.contract import Step

KINDS: dict[str, tuple[str, str]] = {
    "lock": ("lock", "Lock"),
    "check-conditions": ("check_conditions", "CheckConditions"),
    "change-workload": ("change_workload", "ChangeWorkload"),
    "prove-slot": ("prove_slot", "ProveSlot"),
    "switch-traffic": ("switch_traffic", "SwitchTraffic"),
    "prove-outside": ("prove_outside", "ProveOutside"),
    "validate": ("validate", "Validate"),
    "drain": ("drain", "Drain"),
    "record-verdict": ("record_verdict", "RecordVerdict"),
}


class Registry(Mapping[str, Step]):
    """Step kinds, each imported when first used so that an executor starts with what its plan needs."""

    def __init__(self) -> None:
        self._made: dict[str, Step] = {}

    def __getitem__(self, kind: str) -> Step:
        """The step of that kind. Raises UnknownNameError, which is also what a plan of a newer version meets."""
        if kind not in KINDS:
            raise UnknownNameError(f"no step of kind '{kind}' in this version; known: {', '.join(KINDS)}")
        if kind not in self._made:
            module, name = KINDS[kind]
            self._made[kind] = getattr(import_module(f"actions.steps.{module}"), name)()
        return self._made[kind]

    def __contains__(self, kind: object) -> bool:
        return kind in KINDS

    def __iter__(self) -> Iterator[str]:
        return iter(KINDS)

    def __len__(self) -> int:
        return len(KINDS)


registry = Registry()
