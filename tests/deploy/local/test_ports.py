"""Ports: which are free, and which a data folder remembers."""

import socket
from pathlib import Path

from deploy.local.ports import LOOPBACK, free_port, free_ports, listen_error, remembered_ports


def test_a_port_that_somebody_listens_on_is_not_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as listener:
        assert listen_error(listener.getsockname()[1]) is not None


def test_a_free_port_can_be_listened_on() -> None:
    assert listen_error(free_port()) is None


def test_free_ports_differ() -> None:
    assert len(set(free_ports(20))) == 20


def test_the_ports_of_a_folder_stay(tmp_path: Path) -> None:
    file = tmp_path / "new" / "ports.json"
    ports = remembered_ports(file, ["a", "b"], ())
    assert remembered_ports(file, ["a", "b"], ()) == ports


def test_a_remembered_port_that_is_taken_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    ports = remembered_ports(file, ["a", "b"], ())
    again = remembered_ports(file, ["a", "b"], [ports["a"]])
    assert again["a"] != ports["a"]
    assert again["b"] == ports["b"]


def test_a_broken_memory_is_no_hindrance(tmp_path: Path) -> None:
    file = tmp_path / "ports.json"
    file.write_text('{"a": ')
    assert set(remembered_ports(file, ["a"], ())) == {"a"}
