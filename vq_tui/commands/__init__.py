"""The commands: one file a group. Each answers in aligned plain text, or with `--json` in exactly one JSON object."""
