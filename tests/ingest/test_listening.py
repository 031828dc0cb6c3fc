"""Whether somebody can listen on a port."""

import socket

from deploy.local.ports import LOOPBACK, free_port
from ingest.listening import listen_error


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        assert listen_error(listener.getsockname()[1], LOOPBACK) is not None


def test_a_free_port_can_be_listened_on() -> None:
    assert listen_error(free_port(), LOOPBACK) is None
