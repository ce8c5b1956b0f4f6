"""The commands of the app contract: serve, and the one-shot ones around it."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable

from .settings import Settings, read_settings


def _serve(settings: Settings) -> None:
    from .serve import serve

    serve(settings)


def _migrate(settings: Settings) -> None:
    from .migrate import migrate

    migrate(settings)


def _create_owner(settings: Settings) -> None:
    from .owner import create_owner

    _migrate(settings)
    create_owner(settings, settings.secrets / "owner", int(time.time()))


def _before_backup(settings: Settings) -> None:
    from .backup import before_backup

    before_backup(settings)


def _after_restore(settings: Settings) -> None:
    from .backup import after_restore

    after_restore(settings)


COMMANDS: dict[str, Callable[[Settings], None]] = {
    "serve": _serve,
    "migrate": _migrate,
    "create-owner": _create_owner,
    "before-backup": _before_backup,
    "after-restore": _after_restore,
}


def main(arguments: list[str]) -> int:
    """Run commands one after the other; 2 means that one does not exist, and none was run."""
    if not arguments or not COMMANDS.keys() >= set(arguments):
        print(f"usage: python3 -m app {{{'|'.join(COMMANDS)}}} …", file=sys.stderr)
        return 2
    os.umask(0o077)  # what a community keeps is for its own user alone
    settings = read_settings()
    for name in arguments:
        COMMANDS[name](settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
