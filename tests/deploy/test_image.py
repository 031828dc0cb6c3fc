"""The image: what is in it, and the programs that run only inside it."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import tomllib
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from aiokafka.errors import KafkaConnectionError

from deploy.image import drain, health, pages, wait
from deploy.local.ports import free_ports
from schemas.settings import Settings
from schemas.topics import TOPICS

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "deploy" / "image"
DOCKERFILE = IMAGE / "Dockerfile"
TERMINATED = 143


def locked(file: Path) -> dict[str, tuple[str, frozenset[str]]]:
    """Version and hashes by package."""
    text = file.read_text().replace("\\\n", " ")
    found = re.findall(r"^([a-z0-9-]+)==(\S+)(.*)$", text, re.MULTILINE)
    return {
        name: (version, frozenset(re.findall(r"sha256:\w+", rest))) for name, version, rest in found
    }


def test_the_image_holds_the_versions_that_the_tests_run_with() -> None:
    all_packages, in_image = locked(ROOT / "requirements.lock"), locked(IMAGE / "requirements.lock")
    assert {name: all_packages.get(name) for name in in_image} == in_image
    assert all(hashes for _, hashes in in_image.values())


def test_the_image_holds_what_runs_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    needed = {re.split(r"[\[>=;\s]", item)[0] for item in project["dependencies"]}
    others = {re.split(r"[\[>=;\s]", item)[0] for item in [*extras["local"], *extras["dev"]]}
    in_image = set(locked(IMAGE / "requirements.lock"))
    assert needed <= in_image
    # clickhouse-connect itself compresses with these
    assert others & in_image == {"backports-zstd", "lz4"}


def test_the_dockerfile_is_free_of_lint() -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed")
    done = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_last_stage_is_not_roots_and_gets_signals_itself() -> None:
    last_stage = DOCKERFILE.read_text().rpartition("\nFROM ")[2]
    assert re.search(r"^USER (\d+):\d+$", last_stage, re.MULTILINE)
    assert 'ENTRYPOINT ["python", "-m", "deploy.image.run"]' in last_stage
    assert "\nHEALTHCHECK " in last_stage
    assert "org.opencontainers.image.version" in last_stage


def test_the_version_is_the_same_wherever_it_stands() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"\nARG VERSION={version}\n" in DOCKERFILE.read_text()
    assert f"\nappVersion: {version}\n" in (ROOT / "deploy/chart/Chart.yaml").read_text()
    assert f":${{CALLAGENT_VERSION:-{version}}}" in (ROOT / "deploy/compose.yaml").read_text()


def test_the_builder_sees_only_what_the_image_is_made_of() -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert {"deploy/local", "deploy/demo"} <= set(rules)
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE.read_text(), re.MULTILINE)
    assert {path.partition("/")[0] for path in copied} == {r[1:] for r in rules if r[0] == "!"}


def test_no_passwords_of_the_builder_get_into_the_image_or_the_repository() -> None:
    """Compose reads them from deploy/.env."""
    assert "**/*.env" in (ROOT / ".dockerignore").read_text().splitlines()
    assert "/deploy/*.env" in (ROOT / ".gitignore").read_text().splitlines()


def test_nothing_in_the_image_imports_what_is_not() -> None:
    hidden = ("deploy/local", "deploy/demo", "deploy/manifests")
    for folder in ("ingest", "processors", "schemas", "deploy"):
        for file in (ROOT / folder).rglob("*.py"):
            if not str(file.relative_to(ROOT)).startswith(hidden):
                assert not re.search(r"deploy\.(local|demo|manifests)", file.read_text()), file


def running(*arguments: str) -> "subprocess.Popen[str]":
    argv = [sys.executable, "-u", "-m", "deploy.image.run", *arguments]
    return subprocess.Popen(
        argv, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_sigterm_ends_a_module_that_has_no_handler_of_its_own() -> None:
    with running("http.server", "0", "--bind", "127.0.0.1") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Serving")
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == TERMINATED


def test_a_modules_arguments_and_exit_code_are_passed_on() -> None:
    with running("processors", "nonsense") as process:
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors.startswith("usage: ")) == (2, True)


@pytest.mark.parametrize("name", ["ingets", "deploy.none", "none.at.all"])
def test_a_module_that_is_none_is_one_line(name: str) -> None:
    with running(name) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    (line,) = errors.splitlines()
    assert line.startswith(f"there is no module {name}; usage: ")


class Page(BaseHTTPRequestHandler):
    """Answers /healthz well and /readyz not."""

    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/healthz" else 503)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def container() -> Iterator[Settings]:
    """The settings of a container whose process answers as `Page` does."""
    ports = free_ports(4)
    settings = Settings(
        ingest_port=ports[0],
        correlator_port=ports[1],
        clickhouse_sink_port=ports[2],
        recording_sink_port=ports[3],
    )
    with HTTPServer(("127.0.0.1", ports[2]), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield settings
        server.shutdown()
        thread.join()


def test_health_is_that_of_the_process_in_this_container(container: Settings) -> None:
    assert health.well(container, "/healthz")
    assert not health.well(container, "/readyz")
    assert pages.get(container, container.clickhouse_sink_port, "/readyz")[0] == 503


class ServerOf6(HTTPServer):
    """Listens on addresses of version 6 alone, as asyncio's servers on :: do."""

    address_family = socket.AF_INET6


@pytest.mark.parametrize("name", ["ingest_port", "ingest_metrics_port", "correlator_port"])
def test_a_page_is_asked_for_where_its_process_listens(name: str) -> None:
    with ServerOf6(("::1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        port = server.server_address[1]
        found = Settings(host="::", processors_host="::", **{name: port})  # type: ignore[arg-type]
        assert pages.get(found, port, "/healthz")[0] == 200
        server.shutdown()
        thread.join()


def test_a_container_whose_process_does_not_answer_is_not_well() -> None:
    ports = free_ports(4)
    names = ("ingest_port", "correlator_port", "clickhouse_sink_port", "recording_sink_port")
    settings = Settings(**dict(zip(names, ports, strict=True)))  # type: ignore[arg-type]
    assert not health.well(settings, "/healthz")


class Time:
    """A clock that moves by sleeping only."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def drained_after(read: Callable[[Time], str], least: float = 15, most: float = 600) -> float:
    time = Time()
    drain.drain(lambda: read(time), least, most, lambda: time.now, time.sleep)
    return time.now


def test_an_idle_ingress_leaves_when_all_know_that_it_does() -> None:
    metrics = "".join(f"{name} 0.0\n" for name in drain.BUSY)
    assert drained_after(lambda _: metrics) == 15


@pytest.mark.parametrize("name", drain.BUSY)
def test_an_ingress_ends_what_it_is_at(name: str) -> None:
    assert drained_after(lambda time: f"{name} {int(time.now < 100)}.0\n") == 100


def test_the_ingress_is_told_first_that_it_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr("os.kill", lambda *whom: told.append(whom))
    monkeypatch.setattr(drain, "drain", lambda read, *seconds: told.append(seconds))
    monkeypatch.setattr(sys, "argv", ["drain", "--least=1", "--most=2"])
    assert drain.main() == 0
    assert told == [(drain.INGRESS, signal.SIGUSR1), (1.0, 2.0)]


def test_an_ingress_does_not_wait_for_ever() -> None:
    assert drained_after(lambda _: "callagent_uploads_open 3.0\n") == 600


def test_an_ingress_that_is_gone_is_not_waited_for() -> None:
    def read(time: Time) -> str:
        raise ConnectionRefusedError

    assert drained_after(read) == 15


def test_what_the_drain_looks_at_is_a_metric() -> None:
    text = (ROOT / "schemas" / "metrics.py").read_text()
    assert all(f'Gauge("{name}"' in text for name in drain.BUSY)


def test_waiting_says_each_reason_once(capsys: pytest.CaptureFixture[str]) -> None:
    answers: Iterator[str | Exception] = iter(["topics a", "topics a", ValueError("not\nyet"), ""])

    def what(settings: Settings) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    wait.wait(what, Settings(), lambda seconds: None)
    assert capsys.readouterr().out == "waiting for topics a\nwaiting for ValueError: not yet\n"


def test_waiting_names_the_setting_to_see_to(capsys: pytest.CaptureFixture[str]) -> None:
    settings = Settings(kafka_port=free_ports(1)[0])
    answers: Iterator[str | Exception] = iter([KafkaConnectionError("secret"), ""])

    def what(settings: Settings) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    wait.wait(what, settings, lambda seconds: None)
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith(f"waiting for Kafka at {settings.brokers} cannot be reached")
    assert "CALLAGENT_KAFKA_BROKERS" in line


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> list[str]:
    """Whom a container that waits with these arguments asks."""
    seen: list[str] = []

    async def topics_there(settings: Settings) -> set[str]:
        seen.append("kafka")
        return {topic.name for topic in TOPICS}

    def answering(store: str) -> Callable[[Settings], str]:
        def answer(settings: Settings) -> str:
            seen.append(store)
            return ""

        return answer

    monkeypatch.setattr(wait, "topics_there", topics_there)
    answers = {store: answering(store) for store in wait.LACKING}
    monkeypatch.setattr(wait, "LACKING", answers)
    monkeypatch.setattr(wait, "ASKING", answers)
    monkeypatch.setattr(sys, "argv", ["wait", *arguments])
    assert wait.main() == 0
    return seen


@pytest.mark.parametrize("what", ["servers", "migrated"])
def test_a_store_that_a_process_does_not_use_keeps_it_from_nothing(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    assert asked(monkeypatch, what) == ["kafka"]
    assert asked(monkeypatch, what, "s3") == ["kafka", "s3"]
    assert asked(monkeypatch, what, "clickhouse", "s3") == ["kafka", "clickhouse", "s3"]


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["migrated", "oracle"]])
def test_waiting_for_what_is_not_known_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["wait", *arguments])
    assert wait.main() == wait.CONFIGURATION_ERROR
    assert capsys.readouterr().err.startswith("usage: ")


@pytest.mark.integration
@pytest.mark.usefixtures("pipeline")
def test_nothing_is_lacking_after_the_migration(settings: Settings) -> None:
    assert wait.silent(settings, wait.LACKING) == ""
    assert wait.lacking(settings, wait.LACKING) == ""


def test_the_check_says_why_it_is_skipped() -> None:
    if shutil.which("buildah"):
        pytest.skip("buildah is here: `make image` builds the image and tries it")
    done = subprocess.run([IMAGE / "check.sh"], capture_output=True, text=True)
    assert (done.returncode, done.stdout.startswith("skipped: ")) == (77, True)
