"""Keeps one part running: starts it again, with growing pauses, when it ends by itself."""

import time
from collections.abc import Callable

from deploy.local.console import Say
from deploy.local.errors import LocalError
from deploy.local.part import Part, why

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
READY_EVERY_SECONDS = 0.25


class Supervisor:
    """Looks after a part that was started; `poll` is to be called a few times a second."""

    def __init__(self, part: Part, say: Say, clock: Callable[[], float] = time.monotonic) -> None:
        self.part = part
        self.ready = False
        self._say = say
        self._clock = clock
        self._pause = FIRST_PAUSE_SECONDS
        self._started = clock()
        self._asked = float("-inf")
        self._due: float | None = None

    def poll(self) -> None:
        """See whether the part runs; say so and start it again if not. Never waits long.

        Raises:
            LocalError: the part ended over its configuration, so starting again is no use.
        """
        now = self._clock()
        if self._due is not None:
            self._restart_when_due(now)
        elif not self.part.process.running:
            self._plan_restart(now)
        elif not self.ready and now - self._asked >= READY_EVERY_SECONDS:
            self._ask_ready(now)

    def _ask_ready(self, now: float) -> None:
        self._asked = now
        self.ready = self.part.ready()
        if self.ready:
            self._say(f"{self.part.name} is ready")

    def _plan_restart(self, now: float) -> None:
        process = self.part.process
        if process.exit_code == self.part.fatal_exit_code:
            raise LocalError(f"{self.part.name}: {process.reason()}")
        told_to = process.killed or process.exit_code == 0
        reason = process.ending() if told_to else why(self.part)
        self._delay(f"{self.part.name} ended: {reason}", now)

    def _delay(self, reason: str, now: float) -> None:
        if now - self._started > STEADY_SECONDS:
            self._pause = FIRST_PAUSE_SECONDS
        self.ready = False
        self._due = now + self._pause
        self._say(f"{reason}; starting it again in {self._pause:g} s")
        self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)

    def _restart_when_due(self, now: float) -> None:
        if self._due is None or now < self._due:
            return
        self._due = None
        self._started = now
        try:
            self.part.start()
        except (LocalError, OSError) as error:
            self._delay(f"{self.part.name} cannot start: {error}", now)
