"""An erasure, step by step (see the package's text)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime

from clickhouse_connect.driver.exceptions import ClickHouseError

from deploy.command import CommandError
from deploy.erase import audit, statements
from deploy.erase.deny import Deny, secret_of
from deploy.erase.held import held
from deploy.erase.level import wait_for_processors
from deploy.erase.objects import Object, Objects
from deploy.erase.scope import Scope
from deploy.erase.targets import Targets
from deploy.progress import Progress
from schemas.ids import new_id
from schemas.settings import Settings

ROUNDS = 5
BATCH = 1_000

Say = Callable[[str], None]


class Erasure:
    """One erasure; `run` may be called once."""

    def __init__(self, settings: Settings, scope: Scope, say: Say) -> None:
        self._settings = settings
        self._scope = scope
        self._say = say
        self._objects = Objects(settings)
        self._targets = Targets(settings, scope, self._objects)
        self._counts: Counter[str] = Counter()

    def look(self, *, fresh: bool) -> None:
        """Find and count what is concerned, and change nothing."""
        self._targets.create(fresh=fresh)
        try:
            found = self._find()
        finally:
            self._targets.drop()
        self._say_counts("would be erased", found)
        self._say("nothing was changed; say --yes to erase")

    def run(self, why: str, *, fresh: bool) -> None:
        """Erase.

        Raises:
            CommandError: something is in the way, or comes again and again.
        """
        secret = secret_of(self._settings)
        texts = {"id": new_id(), "why": why, "outcome": "broken off"}
        self._targets.create(fresh=fresh)
        try:
            deny = Deny(self._settings, texts["id"], secret)
            deny.add(self._scope.denied(texts["id"], secret, self._settings))
            self._erase_all(deny)
            texts["outcome"] = "done"
        finally:
            with suppress(ClickHouseError):
                self._targets.drop()
            audit.write(self._settings, self._scope, secret, texts, self._counts)
        self._report(texts["id"])

    def _erase_all(self, deny: Deny) -> None:
        for _ in range(ROUNDS):
            found = self._find()
            if not any(found.values()):
                if self._counts["rounds"]:
                    return
                self._say("nothing of it is in ClickHouse or S3 now")
            else:
                self._say_counts("to be erased", found)
                self._erase(deny, found)
            self._counts["rounds"] += 1
            wait_for_processors(self._settings, self._say)
            self._targets.refuse_rebuild()
        raise CommandError("something of it still comes; see that the processors run, and repeat")

    def _find(self) -> dict[str, int]:
        """How much there is, by view; also the objects."""
        found = self._targets.find()
        counts = {statements.VIEWS[table]: count for table, count in found.items()}
        return counts | {"objects": sum(1 for _ in set(self._keys()))}

    def _erase(self, deny: Deny, found: dict[str, int]) -> None:
        calls = self._targets.calls()
        deny.add_names("call", calls)
        deny.add_names("record", [(id_,) for id_ in self._targets.record_ids()])
        progress = Progress()
        batch: list[Object] = []
        for count, item in enumerate(sorted(set(self._keys()), key=str), start=1):
            batch.append(item)
            if len(batch) == BATCH or count == found["objects"]:
                self._objects.delete(batch)
                batch.clear()
            progress.show(f"{count} of {found['objects']} objects")
        self._objects.delete(batch)
        for table, view in statements.VIEWS.items():
            progress.show(f"{found[view]} rows of {view}")
            self._targets.delete(table)
        progress.show("deleted")
        progress.done()
        self._counts.update(found)

    def _keys(self) -> Iterator[Object]:
        """The objects that are concerned; one may come twice."""
        scope = self._scope
        if scope.kind == "account":
            yield from self._objects.of_account(scope.account_id, scope.last)
        if scope.kind == "mobile":
            for mobile in self._targets.mobiles():
                yield from self._objects.of_logs(scope.account_id, mobile, scope.last)
        for account_id, uuid in self._targets.calls():
            yield from self._objects.of_call(account_id, uuid)
        for key in self._targets.log_keys():
            yield from self._objects.of_key(key)

    def _say_counts(self, what: str, counts: dict[str, int]) -> None:
        self._say(f"{what}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))

    def _report(self, erasure_id: str) -> None:
        names = (*statements.VIEWS.values(), "objects")
        self._say_counts("erased", {name: self._counts[name] for name in names})
        self._say(f"erasure {erasure_id}, see the table erasures")
        self._say("what Kafka may still hold, which no processor takes any more:")
        for item in asyncio.run(held(self._settings, datetime.now(UTC))):
            self._say(item.line())
        self._say(
            "not reached: backups of yours; files *.damaged-* and *.refused of an ingress's spool;"
            " dead letters whose bytes do not say whose they are. ClickHouse's old parts go within"
            " minutes, the correlator's state of the calls in its next rounds"
        )
