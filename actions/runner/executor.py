"""The process that carries one run out: `python -m actions.runner.executor --ledger DIR [--detach] RUN_ID`.

With `--prepared` instead of a run it loads its libraries first and is given the run by its starter. It belongs to
nobody: no terminal, no console, its own session. Losing whoever started it changes nothing.
"""

import gc
import os
import sys
from pathlib import Path

from actions.ledger.starting import hold_mark

USAGE = "usage: python -m actions.runner.executor --ledger DIR ([--detach] RUN_ID | --prepared [MODULE...])"


def detach() -> None:
    """Leave the process that started this one; it sees its child end at once. Before anything heavy is loaded."""
    if os.fork() > 0:
        os._exit(0)


def main(arguments: list[str]) -> int:
    """Carry a run out; the exit status says how it went (see ExitCode)."""
    words = [one for one in arguments if one not in ("--detach", "--prepared")]
    prepared = "--prepared" in arguments
    if len(words) < 2 or words[0] != "--ledger" or (not prepared and len(words) != 3):
        sys.stderr.write(USAGE + "\n")
        return 2
    os.umask(0o077)
    if not prepared:
        hold_mark(Path(words[1]), words[2])  # before its starter goes on: nobody starts another one meanwhile
    if len(words) < len(arguments):
        detach()
    gc.disable()  # a tenth of the start is spent looking for garbage among modules that stay
    from actions.runner.process import carry_out

    if prepared:
        from actions.runner.preload import load

        load(words[2:])
    gc.freeze()
    gc.enable()
    return wait_and_carry_out(Path(words[1])) if prepared else carry_out(words[1], words[2])


def wait_and_carry_out(ledger_dir: Path) -> int:
    """A prepared executor's part: the run its starter gives it, if any; the exit status."""
    from actions.runner.prepared import take_run
    from actions.runner.process import carry_out

    run_id = take_run(ledger_dir)
    if not run_id:
        return 0
    hold_mark(ledger_dir, run_id)
    return carry_out(str(ledger_dir), run_id)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
