"""The process that carries one run out: `python -m actions.runner.executor --ledger DIR [--detach] RUN_ID`.

It belongs to nobody: no terminal, no console, its own session. Losing whoever started it changes nothing (rows 1, 2).
"""

import gc
import os
import sys

USAGE = "usage: python -m actions.runner.executor --ledger DIR [--detach] RUN_ID"


def detach() -> None:
    """Leave the process that started this one; it sees its child end at once. Before anything heavy is loaded."""
    if os.fork() > 0:
        os._exit(0)


def main(arguments: list[str]) -> int:
    """Carry a run out; the exit status says how it went (see ExitCode)."""
    if "--detach" in arguments:
        arguments = [one for one in arguments if one != "--detach"]
        detach()
    if len(arguments) != 3 or arguments[0] != "--ledger":
        sys.stderr.write(USAGE + "\n")
        return 2
    os.umask(0o077)
    gc.disable()  # a tenth of the start is spent looking for garbage among modules that stay
    from actions.runner.process import carry_out

    gc.freeze()
    gc.enable()
    return carry_out(arguments[1], arguments[2])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
