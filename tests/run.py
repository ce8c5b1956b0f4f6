"""`./taarafo test`: set up what the tests need, run pytest, leave nothing behind.

    ./taarafo test            every test
    ./taarafo test --fast     those that need neither Docker nor a browser
    ./taarafo test --live     those on a real engine
    ./taarafo test --browser  those in real Chromium
    ./taarafo test --attacks  those that mount an attack, with a table of the verdicts
    ./taarafo test --faults   those that break something, with a table of what came of it

What else is given goes to pytest. The exit code is pytest's, and its lines are the last ones.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.live.door import open_door
from tests.live.engine import (
    PROGRAMS,
    TestEngine,
    remove_leftovers,
    reserve_engine,
    start_engine,
    stop_engine,
)

ROOT = Path(__file__).resolve().parent.parent
PARTS = {
    "--fast": "not live and not browser",
    "--live": "live",
    "--browser": "browser",
    "--attacks": "attack",
    "--faults": "fault",
}
BESIDE = ["--numprocesses=2", "--dist=load"]  # who takes what: tests/beside.py
CANNOT = 10


def main(arguments: list[str]) -> int:
    parts = [PARTS[word] for word in arguments if word in PARTS]
    pytest = [sys.executable, "-m", "pytest"]
    pytest += ["-m", " or ".join(f"({part})" for part in parts)] if parts else []
    pytest += [word for word in arguments if word not in PARTS]
    beside = BESIDE if not arguments else []
    if parts == [PARTS["--fast"]]:
        return run_pytest(pytest, {})
    reason = find_obstacle() or prepare_machine(needs_browser="--live" not in arguments)
    if reason and is_ci():
        say(f"The live tests cannot run here: {reason}.")
        return CANNOT
    if reason:
        return run_pytest([*pytest, *beside], {"TAARAFO_TEST_NO_ENGINE": reason})
    return run_with_engines([*pytest, *beside], 2 if beside else 1)


def is_ci() -> bool:
    """Whether a machine asked: then a part that cannot run is a failure, never a skip."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def find_obstacle() -> str:
    """Why no engine can be started on this machine; empty when one can."""
    if sys.platform != "linux":
        return "an engine of their own needs Linux"
    return "" if os.geteuid() == 0 else "an engine of their own needs root"


def prepare_machine(*, needs_browser: bool) -> str:
    """Install the programs that are missing; returns why that failed, or nothing."""
    wanted = (*PROGRAMS, "mmdebstrap", "buildah", "faketime")
    wanted += ("chromium",) if needs_browser else ()
    if all(shutil.which(program) for program in wanted):
        return ""
    from provisioner.engine.machine.prepare import prepare_tests
    from provisioner.errors import TaarafoError

    try:
        prepare_tests(say)
    except TaarafoError as error:
        return f"{error.explain()} {error.next_step()}"
    return ""


def run_with_engines(pytest: list[str], count: int) -> int:
    """Each process of the run has one, and goes into its network itself (tests/conftest.py)."""
    for name in remove_leftovers():
        say(f"Removed what the killed run {name} had left behind.")
    with own_engines(count) as engines:
        told = [
            {
                "docker_host": engine.docker_host,
                "folder": str(engine.folder),
                "door": open_door(engine.namespace),
            }
            for engine in engines
        ]
        return run_pytest(pytest, {"TAARAFO_TEST_ENGINES": json.dumps(told)})


@contextmanager
def own_engines(count: int) -> Iterator[list[TestEngine]]:
    """Engines that are gone afterwards, also when this run is interrupted or asked to end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    engines = [reserve_engine(number) for number in range(count)]
    try:
        for engine in engines:
            start_or_say(engine)
        yield engines
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for engine in engines:
            stop_engine(engine)


def start_or_say(engine: TestEngine) -> None:
    try:
        start_engine(engine)
    except (OSError, subprocess.CalledProcessError) as error:
        say(f"The tests' own engine could not be started: {error}")
        sys.exit(CANNOT)


def run_pytest(command: list[str], told: dict[str, str]) -> int:
    """Ctrl-C reaches pytest too, which then says what it was doing: wait for that."""
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, **told}) as child:
        while True:
            try:
                return child.wait()
            except KeyboardInterrupt:
                continue
            except SystemExit:
                child.terminate()
                raise


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
