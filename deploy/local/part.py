"""A part of the local stack: a process together with the question whether it works."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from deploy.local.errors import LocalError
from deploy.local.process import Process

POLL_SECONDS = 0.1
STOP_SECONDS = 30.0


class Part(ABC):
    """One server or service of the stack."""

    name: str
    process: Process
    # The exit code with which the process says that starting it again is no use.
    fatal_exit_code: int | None = None

    def prepare(self) -> None:  # noqa: B027
        """Make all that the process needs before it starts; may take long, safe to repeat.

        Raises:
            LocalError: something is missing that a person must see to.
        """

    @abstractmethod
    def ready(self) -> bool:
        """Whether a real request works now; never raises, and answers within seconds."""

    def start(self) -> None:
        """Prepare the part and start its process, without waiting until it is ready."""
        self.prepare()
        self.process.start()

    def stop(self) -> bool:
        """Stop the process in order; False if it took too long and was killed."""
        return self.process.stop(STOP_SECONDS)


def wait_ready(
    parts: Sequence[Part], seconds: float, on_ready: Callable[[Part], None] = lambda part: None
) -> None:
    """Wait until all parts are ready; tell of each one as it gets there.

    Raises:
        LocalError: a part ended, or was not ready in time.
    """
    waiting = list(parts)
    deadline = time.monotonic() + seconds
    while waiting:
        for part in list(waiting):
            if part.ready():
                waiting.remove(part)
                on_ready(part)
            elif not part.process.running:
                raise LocalError(f"{part.name} ended: {why(part)}")
        if waiting and time.monotonic() > deadline:
            raise LocalError(
                f"{waiting[0].name} is not ready after {seconds:.0f} s: {why(waiting[0])}"
            )
        time.sleep(POLL_SECONDS)


def why(part: Part) -> str:
    """The reason in the part's log and where to read more."""
    return f"{part.process.reason()} (more in {part.process.log})"
