"""The command line, one file a group: every command is a few lines that call the engine.

Results go to standard output (with `--json` one object or array), all else to standard error.
Exit codes are those of provisioner.errors and engine.check_anywhere (docs/errors.md).
Imports are inside the commands on purpose: `check` must answer in half a second.
"""
