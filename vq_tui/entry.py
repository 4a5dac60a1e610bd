"""The program's door. `--version` is answered before anything heavy is imported (start within 0.2 s)."""

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    arguments = sys.argv[1:]
    if arguments in (["--version"], ["-V"]):
        from importlib.metadata import version

        sys.stdout.write(f"vq-tui {version('vq-tui')}\n")
        sys.exit(0)
    from vq_tui.commands.program import run

    sys.exit(run(arguments))


if __name__ == "__main__":
    main()
