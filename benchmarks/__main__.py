"""`python -m benchmarks [NAME ...]`: take the measurements and print one table. Exits 1 when a budget is exceeded."""

import sys
from importlib import import_module

from benchmarks.place import Place
from benchmarks.table import Figure, surroundings, table

MEASUREMENTS = (
    "kubernetes_crowd",
    "first_frame", "version", "idle", "keys", "rollback", "recreate", "kubernetes", "nginx", "journal", "sweep",
    "attach", "stack_up", "redaction", "busy",
    "run_view", "commands",
)  # fmt: skip


def main(names: list[str]) -> int:
    """Take the named measurements, or all; one that fails says so and the others go on."""
    unknown = [name for name in names if name not in MEASUREMENTS]
    if unknown:
        print(f"no measurement {', '.join(unknown)}; there are: {', '.join(MEASUREMENTS)}", file=sys.stderr)
        return 2
    figures: list[Figure] = []
    failed = False
    place = Place()
    before = surroundings()
    try:
        for name in names or MEASUREMENTS:
            print(f"{name} ...", file=sys.stderr, flush=True)
            try:
                figures += import_module(f"benchmarks.{name}").measure(place)
            except Exception as error:
                failed = True
                print(f"{name} could not be measured: {type(error).__name__}: {error}", file=sys.stderr)
    finally:
        place.close()
    print(f"before: {before}\nafter:  {surroundings()}\n")
    print(table(figures))
    return 1 if failed or any(figure.verdict == "over" for figure in figures) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
