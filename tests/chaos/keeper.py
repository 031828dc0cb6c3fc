"""Deals the blows of a plan, and starts again what ended."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from deploy.local.part import Part
from tests.chaos.plan import Blow

POLL_SECONDS = 0.1


class Keeper:
    """Keeps parts running, except for what the plan does to them.

    `dealt` counts blows by kind and target, `ended` how often a part ended that nobody had hit.
    """

    def __init__(self, parts: Iterable[Part], say: Callable[[str], None]) -> None:
        self.parts: Mapping[str, Part] = {part.name: part for part in parts}
        self.dealt: Counter[tuple[str, str]] = Counter()
        self.ended: Counter[str] = Counter()
        self._say = say
        self._away: Counter[str] = Counter()
        self._hit: set[str] = set()

    def deal(self, blows: Sequence[Blow], seconds: float) -> None:
        """Deal the blows in so many seconds; afterwards nothing is held back any more."""
        begun = time.monotonic()
        todo = [(blow.at_seconds, self._deal, blow) for blow in blows]
        todo += [(blow.at_seconds + blow.pause_seconds, self._release, blow) for blow in blows]
        todo.sort(key=lambda item: item[0])
        while todo or time.monotonic() - begun < seconds:
            while todo and time.monotonic() - begun >= todo[0][0]:
                _, act, blow = todo.pop(0)
                act(blow)
            self._keep()
            time.sleep(POLL_SECONDS)

    def keep(self, until: threading.Event) -> None:
        """Keep everything running until the event."""
        while not until.wait(POLL_SECONDS):
            self._keep()

    def _keep(self) -> None:
        for name, part in self.parts.items():
            if not part.process.running and not self._away[name]:
                if name not in self._hit:
                    self.ended[name] += 1
                    self._say(f"{name} ended: {part.process.reason()}")
                self._hit.discard(name)
                part.start()

    def _deal(self, blow: Blow) -> None:
        self._say(f"{blow.at_seconds:6.1f} s  {blow.kind:6} {', '.join(blow.targets)}")
        for name in blow.targets:
            self.dealt[blow.kind, name] += 1
            process = self.parts[name].process
            if blow.kind == "freeze":
                _signal(process.pid, signal.SIGSTOP)
                continue
            self._hit.add(name)
            self._away[name] += blow.kind == "away"
            process.terminate() if blow.kind == "stop" else process.kill()

    def _release(self, blow: Blow) -> None:
        for name in blow.targets:
            if blow.kind == "freeze":
                _signal(self.parts[name].process.pid, signal.SIGCONT)
            elif blow.kind == "away":
                self._away[name] -= 1


def _signal(pid: int | None, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        if pid:
            os.kill(pid, number)
