"""Whether somebody can listen on a port."""

import socket

import pytest

from deploy.local.ports import LOOPBACK, free_port
from schemas.listening import cannot_listen, listen_error
from schemas.settings import Settings


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        assert listen_error(listener.getsockname()[1], LOOPBACK) is not None


def test_a_free_port_can_be_listened_on() -> None:
    assert listen_error(free_port(), LOOPBACK) is None


@pytest.mark.parametrize("host", ["no-such-host.invalid", "192.0.2.1"])
def test_an_address_that_is_not_of_this_computer_is_blamed_itself(host: str) -> None:
    settings = Settings(correlator_port=free_port(), processors_host=host)
    line = cannot_listen(settings, "correlator_port", "processors_host")
    assert line.startswith("CALLAGENT_PROCESSORS_HOST: nobody can listen on port")
    assert line.endswith("set it to an address of this computer")
