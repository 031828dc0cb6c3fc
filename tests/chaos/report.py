"""What a run came to, for people."""

from collections import Counter
from dataclasses import dataclass

from tests.chaos.audit import Findings
from tests.chaos.ledger import Ledger
from tests.chaos.plan import KINDS, TARGETS

SHOWN = 20


@dataclass
class Report:
    """The outcome of one run; `good` if nothing was lost, duplicated or wrong."""

    seed: int
    seconds: float
    phones: int
    dealt: Counter[tuple[str, str]]
    ended: Counter[str]
    ledger: Ledger
    findings: Findings
    settled_seconds: float

    @property
    def good(self) -> bool:
        """Whether every promise was kept."""
        return not self.findings

    def __str__(self) -> str:
        return "\n".join(
            [*self._load(), "", *self._blows(), "", *self._messages(), "", *self._end()]
        )

    def _load(self) -> list[str]:
        calls = len(self.ledger.calls)
        return [f"seed {self.seed}: {self.phones} phones, {calls} calls in {self.seconds:.0f} s"]

    def _blows(self) -> list[str]:
        head = f"{'':18}" + "".join(f"{kind:>7}" for kind in KINDS) + f"{'by itself':>11}"
        names = dict.fromkeys([*TARGETS, *(target for _, target in self.dealt), *self.ended])
        rows = [
            f"{target:18}"
            + "".join(f"{self.dealt[kind, target]:7}" for kind in KINDS)
            + f"{self.ended[target]:11}"
            for target in names
        ]
        return [head, *rows]

    def _messages(self) -> list[str]:
        tried, acknowledged = self.ledger.tried, self.ledger.acknowledged
        rows = [f"{what:16}{tried[what]:8}{acknowledged[what]:14}" for what in sorted(tried)]
        total = f"{'all':16}{tried.total():8}{acknowledged.total():14}"
        return [f"{'':16}{'sent':>8}{'acknowledged':>14}", *rows, total]

    def _end(self) -> list[str]:
        found = self.findings
        lists = {"lost": found.lost, "duplicated": found.duplicated, "wrong": found.wrong}
        lines = [f"{name:16}{len(texts):8}" for name, texts in lists.items()]
        lines += [f"  {name}: {text}" for name, texts in lists.items() for text in texts[:SHOWN]]
        return [*lines, f"all was in its place {self.settled_seconds:.0f} s after the last blow"]
