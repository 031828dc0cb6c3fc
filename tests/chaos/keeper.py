"""Deals the blows of a plan, and starts again what ended."""

import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress

from deploy.local.part import Part
from tests.chaos.gate import Gate
from tests.chaos.plan import STORM_SECONDS, TO_ANSWERS, Blow

POLL_SECONDS = 0.1


class Keeper:
    """Keeps parts running, except for what the plan does to them.

    `gates` are those before stores. `dealt` counts blows by kind and target, `ended` how often a
    part ended that nobody had hit.
    """

    def __init__(
        self, parts: Iterable[Part], gates: Mapping[str, Gate], say: Callable[[str], None]
    ) -> None:
        self.parts: Mapping[str, Part] = {part.name: part for part in parts}
        self.gates = gates
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
        todo += [
            (blow.at_seconds + seconds, self._kill, blow)
            for blow in blows
            if blow.kind == "storm"
            for seconds in STORM_SECONDS[1:]
        ]
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
                    process = part.process
                    self._say(f"{name} ended, {process.ending()}: {process.reason()}")
                self._hit.discard(name)
                part.start()

    def _deal(self, blow: Blow) -> None:
        self._say(f"{blow.at_seconds:6.1f} s  {blow.kind:6} {', '.join(blow.targets)}")
        self.dealt.update((blow.kind, name) for name in blow.targets)
        if blow.kind in TO_ANSWERS:
            for name in blow.targets:
                self.gates[name].kind = blow.kind
        elif blow.kind == "freeze":
            self._signal(blow, signal.SIGSTOP)
        elif blow.kind == "stop":
            self._hit.update(blow.targets)
            self._signal(blow, signal.SIGTERM)
        else:
            self._away.update(blow.targets if blow.kind == "away" else ())
            self._kill(blow)

    def _kill(self, blow: Blow) -> None:
        for name in blow.targets:
            self._hit.add(name)
            self.parts[name].process.kill()

    def _release(self, blow: Blow) -> None:
        if blow.kind in TO_ANSWERS:
            for name in blow.targets:
                self.gates[name].kind = ""
        elif blow.kind == "freeze":
            self._signal(blow, signal.SIGCONT)
        elif blow.kind == "away":
            self._away.subtract(blow.targets)

    def _signal(self, blow: Blow, number: signal.Signals) -> None:
        for name in blow.targets:
            with suppress(ProcessLookupError):
                if (process := self.parts[name].process).running and process.pid:
                    os.kill(process.pid, number)
