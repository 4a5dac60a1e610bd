"""An executor that also knows a procedure `update`: the real one, with one more procedure than this program has yet.

Started by `launch(ledger, run, module="tests.end_to_end.forward_executor")`.
"""

import sys
from importlib.machinery import ModuleSpec
from types import ModuleType

from actions.runner.executor import main

UPDATE = ModuleType("actions.procedures.update")
UPDATE.__spec__ = ModuleSpec("actions.procedures.update", None)
UPDATE.VERSION = "1"  # type: ignore[attr-defined]
sys.modules["actions.procedures.update"] = UPDATE

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
