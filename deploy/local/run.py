"""The program behind `make run`: the whole pipeline in the foreground until Ctrl-C."""

import logging
import socket
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.checks import check_disk, check_ingress, check_ports, lock_data
from deploy.local.console import Console
from deploy.local.errors import LocalError
from deploy.local.pipeline import Pipeline
from deploy.local.ports import LOOPBACK
from deploy.local.signals import StopSignals
from schemas.settings import SettingError, Settings, load

ANYWHERE = ("", "0.0.0.0", "::")
# An address set aside for documentation: asking for the way there sends nothing.
FAR_ADDRESS = ("192.0.2.1", 9)


def main() -> int:
    """Run until asked to stop; 0 after an orderly stop, 1 after an error of one line."""
    console, signals = Console(), StopSignals()
    signals.listen()
    # A driver whose server is not there yet complains; the person hears it from us.
    logging.disable(logging.CRITICAL)
    settings = None
    try:
        settings = load()
        with lock_data(settings):
            run(settings, console, signals)
    except KeyboardInterrupt:
        return 0
    except (SettingError, LocalError) as error:
        return fail(str(error))
    except Exception as error:
        return fail(f"{type(error).__name__}: {error}{kept_trace(settings)}")
    return 0


def run(settings: Settings, console: Console, signals: StopSignals) -> None:
    """Check, start, say that it is ready, watch; stop everything whatever happens."""
    check_ingress(settings)
    check_ports(settings)
    check_disk(settings)
    console.say(f"data folder {Path(settings.data_dir).resolve()}")
    pipeline = Pipeline(settings, console.say, signals.check)
    with signals.interrupting():
        pipeline.stack.set_up()
    try:
        pipeline.start()
        console.plain(ready_line(settings))
        console.say("Ctrl-C stops it in order")
        pipeline.keep_running()
    finally:
        pipeline.stop()
        console.say("stopped")


def ready_line(settings: Settings) -> str:
    """The line that says where everything is."""
    logs = Path(settings.data_dir).resolve() / "logs"
    token = "/k/TOKEN" if settings.tokens_file else ""
    return (
        f"ready  phones post to {base_address(settings)}{token}"
        f" | ClickHouse {without_password(settings.clickhouse)}"
        f" (database {settings.clickhouse_database})"
        f" | S3 {settings.s3} (bucket {settings.s3_bucket})"
        f" | Kafka {settings.brokers} | logs {logs}"
    )


def base_address(settings: Settings) -> str:
    """The base address to type into a phone that can reach it."""
    if settings.base_address:
        return settings.base_address
    host = own_address() if settings.host in ANYWHERE else settings.host
    scheme = "https" if settings.tls_cert_file else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.ingest_port}"


def own_address() -> str:
    """This computer's address in its network, the loopback one if it has none."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(FAR_ADDRESS)
            return str(probe.getsockname()[0])
    except OSError:
        return LOOPBACK


def without_password(url: str) -> str:
    """A URL without the user and password in it."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def fail(line: str) -> int:
    """Tell a person what is wrong, in one line."""
    with suppress(OSError):
        print(f"error: {' '.join(line.split())}", file=sys.stderr, flush=True)
    return 1


def kept_trace(settings: Settings | None) -> str:
    """Keep the trace of an error that nobody foresaw, and say where."""
    if settings is None:
        return ""
    file = Path(settings.data_dir).resolve() / "logs" / "run.log"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(traceback.format_exc())
    except OSError:
        return ""
    return f" (more in {file})"


if __name__ == "__main__":
    sys.exit(main())
