"""What aiokafka leaves undone where the coordinator of a group fails it.

Since OffsetFetch 2 Kafka tells of a coordinator that is not the one, or is still loading, in one
code for the whole answer. aiokafka 0.14 does not look at it, and takes the empty answer for a group
that never committed: it would read again all that Kafka has.

An error that no other try mends by itself waits for a caller of aiokafka's own reading, and until
then the consumer is out of its group. Faust reads past that.
"""

import logging
from typing import Any

from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    KafkaError,
    NoError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest

MOVED = (GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError)

log = logging.getLogger(__name__)


def heed(coordinator: Any) -> None:
    """Let a coordinator raise the error of an answer about offsets as a whole."""
    send = coordinator._send_req

    async def send_and_look(request: Any) -> Any:
        response = await send(request)
        if isinstance(request, OffsetFetchRequest):
            _look(coordinator, response)
        return response

    coordinator._send_req = send_and_look


def _look(coordinator: Any, response: Any) -> None:
    error = for_code(getattr(response, "error_code", NoError.errno))
    if error is NoError:
        return
    if error in MOVED:
        coordinator.coordinator_dead()
    raise error


def go_on(coordinator: Any) -> None:
    """Let a coordinator that waits with an error join its group anew.

    Raises:
        KafkaError: it has ended, and only another process can go on.
    """
    if coordinator._coordination_task.done():
        coordinator.check_errors()
    try:
        coordinator.check_errors()
    except KafkaError as error:
        log.warning("Kafka: %s; joining the group anew", type(error).__name__)
        coordinator.request_rejoin()
