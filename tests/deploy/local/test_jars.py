"""Kafka's jars: without network one line, and nothing that is not the known one is taken."""

from pathlib import Path

import pytest

from deploy.local import jars
from deploy.local.console import silent
from deploy.local.errors import LocalError
from deploy.local.jars import kafka_jars


def test_no_network_is_one_line_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A proxy on a port where nobody listens is as good as no network.
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(LocalError, match="the first start needs the network"):
        kafka_jars(silent, tmp_path)
    assert not (tmp_path / f"kafka-{jars.VERSION}").exists()


def test_a_jar_that_is_not_the_known_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(scratch: Path, progress: object) -> dict[str, Path]:
        scratch.mkdir()
        files = {name: scratch / name for name in jars._expected()}
        for file in files.values():
            file.write_bytes(b"something else")
        return files

    monkeypatch.setattr(jars, "_download", download)
    with pytest.raises(LocalError, match=r"is not the one that kafka\.sha256 names"):
        kafka_jars(silent, tmp_path)
    assert not (tmp_path / f"kafka-{jars.VERSION}").exists()


def test_kafkas_log_is_written_by_what_its_configuration_is_for() -> None:
    """Without the jar between them all that it says of a full disk, say, would be lost."""
    versions = {
        name: version
        for name, version in (jar.removesuffix(".jar").rsplit("-", 1) for jar in jars._expected())
        if name.startswith("log4j-")
    }
    assert versions.keys() == {"log4j-api", "log4j-core", "log4j-slf4j-impl"}
    assert len(set(versions.values())) == 1


def test_what_is_there_is_not_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / f"kafka-{jars.VERSION}"
    folder.mkdir()
    monkeypatch.setattr(jars, "_download", None)
    assert kafka_jars(silent, tmp_path) == folder
