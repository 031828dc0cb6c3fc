"""Ports: which are free, and which a data folder remembers."""

from pathlib import Path

from deploy.local.ports import free_ports, remembered_ports


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
