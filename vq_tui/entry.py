"""The program's door. `--version` is answered before anything heavy is imported (start within 0.2 s)."""

import sys

YOUNG_OBJECTS = 50_000
"""Garbage is looked for after so many new objects: a command's later imports alone make many, and all of them stay."""


def main() -> None:
    """Run the command line and exit with its code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from importlib.metadata import version

        sys.stdout.write(f"vq-tui {version('vq-tui')}\n")
        sys.exit(0)
    import gc
    import os

    # What is imported at the start stays: looking for garbage in it, and for plugins nobody asked for, only takes time.
    gc.disable()
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    from vq_tui.commands.opening import console_alone

    if console_alone(arguments):
        from vq_tui.commands.opening import run  # the console collects again from its first frame on
    else:
        from vq_tui.commands.program import run

        gc.freeze()
        gc.set_threshold(YOUNG_OBJECTS)
        gc.enable()
    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
