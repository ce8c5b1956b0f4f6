"""A progress bar in words on a terminal; silent when nobody looks."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from provisioner.engine.progress import Progress as Report


class ProgressBar:
    """On standard error, so that standard output stays for the result."""

    def __init__(self) -> None:
        console = Console(stderr=True)
        self._bar = Progress(
            BarColumn(30),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
            transient=True,
        )
        self._task = self._bar.add_task("", total=100)

    def __enter__(self) -> ProgressBar:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, report: Report) -> None:
        now = next((s.words for s in report.steps if s.state in ("started", "pending")), "Done")
        self._bar.update(self._task, completed=report.percent, description=report.message or now)
