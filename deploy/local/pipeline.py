"""The whole pipeline on this computer: servers, topics and tables, processors, ingress."""

import time
from collections.abc import Callable, Sequence

from deploy.local.checks import disk_finding, free_bytes
from deploy.local.console import Say
from deploy.local.errors import LocalError
from deploy.local.part import POLL_SECONDS, Part, why
from deploy.local.services import ingress, migration, processors
from deploy.local.stack import START_SECONDS, Stack
from deploy.local.supervisor import Supervisor
from schemas.settings import Settings

DRAIN_SECONDS = 30.0
DISK_EVERY_SECONDS = 10.0


class Pipeline:
    """Starts everything in order, keeps it running, and stops it in order.

    `check` is called a few times a second while waiting; what it raises ends the wait.
    """

    def __init__(self, settings: Settings, say: Say, check: Callable[[], None]) -> None:
        self._settings = settings
        self._say = say
        self._check = check
        self.stack = Stack(settings, say)
        self.ingress = ingress(settings)
        self.processors = processors(settings)
        self._services: list[Part] = [*self.processors, self.ingress]
        self._supervisors: list[Supervisor] = []
        self._disk_low = False
        self._disk_asked = time.monotonic()

    def start(self) -> None:
        """Start all and return when all of it really works.

        Raises:
            LocalError: something does not come up.
        """
        self.stack.set_up()
        self._start_parts(self.stack.parts)
        self._migrate()
        self._start_parts(self._services)

    def _start_parts(self, parts: Sequence[Part]) -> None:
        if not parts:
            return
        self._say(f"starting {', '.join(part.name for part in parts)}")
        for part in parts:
            self._check()
            part.start()
            self._supervisors.append(Supervisor(part, self._say))
        deadline = time.monotonic() + START_SECONDS
        while not all(supervisor.ready for supervisor in self._supervisors):
            self._poll()
            late = [item.part for item in self._supervisors if not item.ready]
            if late and time.monotonic() > deadline:
                raise LocalError(
                    f"{late[0].name} is not ready after {START_SECONDS:.0f} s: {why(late[0])}"
                )

    def _migrate(self) -> None:
        self._say("making topics, tables and bucket")
        process = migration(self._settings)
        process.start()
        deadline = time.monotonic() + START_SECONDS
        try:
            while process.running and time.monotonic() < deadline:
                self._poll()
        finally:
            process.kill()
        if process.exit_code != 0:
            raise LocalError(
                f"topics, tables and bucket could not be made: {process.reason()}"
                f" (more in {process.log})"
            )

    def keep_running(self) -> None:
        """Watch over all parts and the disk until `check` raises.

        Raises:
            LocalError: a part cannot go on as it is configured.
        """
        while True:
            self._poll()
            self._watch_disk()

    def _poll(self) -> None:
        self._check()
        for supervisor in self._supervisors:
            supervisor.poll()
        time.sleep(POLL_SECONDS)

    def _watch_disk(self) -> None:
        if time.monotonic() - self._disk_asked < DISK_EVERY_SECONDS:
            return
        self._disk_asked = time.monotonic()
        finding = disk_finding(self._settings, free_bytes(self._settings))
        if finding and not self._disk_low:
            self._say(f"warning: {finding}")
        self._disk_low = finding is not None

    def stop(self) -> None:
        """Stop the ingress, let the processors finish, then stop the servers."""
        self._stop_together([self.ingress])
        self._stop_together(self.processors)
        self.stack.stop_all()

    def _stop_together(self, parts: Sequence[Part]) -> None:
        running = [part for part in parts if part.process.running]
        if not running:
            return
        self._say(f"stopping {', '.join(part.name for part in running)}")
        for part in running:
            part.process.terminate()
        deadline = time.monotonic() + DRAIN_SECONDS
        for part in running:
            if not part.process.stop(max(0.0, deadline - time.monotonic())):
                self._say(f"{part.name} did not end within {DRAIN_SECONDS:.0f} s and was killed")
