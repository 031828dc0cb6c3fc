"""Recovery after partitions were shared out anew, while Kafka comes and goes.

Faust gives each step of it 90 seconds, and after that, or where a rebalance of aiokafka's comes in
between, it recovers never again or ends the process. Here a step takes as long as Kafka is away,
and one that fails is begun anew.

A broker that lost its disk begins the topic `calls` anew, and the correlator's state remembers an
offset beyond its end. Faust ends the process then, at each start. The state is joined with the log,
never replaced by it, so here all of the log is read, and what the state knows beyond it stays.
"""

import logging
from collections import Counter
from typing import Any

from aiokafka.errors import KafkaError
from faust.tables import TableManager
from faust.tables.recovery import RebalanceAgain, Recovery
from faust.types import TP

from processors.starting import RETRY_SECONDS

log = logging.getLogger(__name__)


class LogRecovery(Recovery):
    """Begins anew what fails, and reads a log from its beginning where the state is beyond it."""

    async def _wait(self, coro: Any, timeout: Any = None) -> None:  # noqa: ASYNC109
        try:
            await super()._wait(coro)
        except (KafkaError, AssertionError) as error:
            # aiokafka asserts that there are partitions, which may just have been taken away.
            log.warning("recovery: %s; beginning anew", type(error).__name__)
            await self.sleep(RETRY_SECONDS)
            self.signal_recovery_start.set()
            raise RebalanceAgain from error

    async def _build_offsets(
        self, consumer: Any, tps: set[TP], destination: Counter[TP], title: str
    ) -> None:
        for tp in tps if destination is self.active_offsets else ():
            offset: int | None = destination[tp]
            if offset is not None and offset > self.active_highwaters[tp]:
                log.warning(
                    "%s %d ends before what the state has of it, as after the loss of a broker:"
                    " it is read from its beginning",
                    *tp,
                )
                table: Any = self.tp_to_table[tp]
                table.data.set_persisted_offset(tp, -1)
                destination[tp] = -1
        await super()._build_offsets(consumer, tps, destination, title)


class LogTables(TableManager):
    """Faust's tables, with our recovery."""

    @property
    def recovery(self) -> Recovery:
        """The recovery of these tables."""
        if self._recovery is None:
            self._recovery = LogRecovery(self.app, self, beacon=self.beacon, loop=self.loop)
        return self._recovery
