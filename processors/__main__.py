"""`python -m processors correlator|clickhouse-sink|recording-sink`: one Faust app as a process."""

import asyncio
import logging
import os
import signal
import sys
import threading

import faust

from processors.apps import APPS, create_app
from processors.batches import UNEXPECTED_ERROR
from processors.brokers import kafka_lets_in
from processors.folder import own
from schemas import logs, metrics
from schemas.listening import PORT_TAKEN, cannot_listen
from schemas.settings import SettingError, load

CONFIGURATION_ERROR = 2
END_SECONDS = 20.0

log = logging.getLogger(__name__)


def main(arguments: list[str]) -> int:
    """Work until SIGTERM or SIGINT; return the exit code."""
    if len(arguments) != 1 or arguments[0] not in APPS:
        print(f"usage: python -m processors {'|'.join(APPS)}", file=sys.stderr)
        return CONFIGURATION_ERROR
    try:
        settings = load()
        logs.configure(settings)
        owned = own(arguments[0], settings)
    except SettingError as error:
        print(error, file=sys.stderr)
        return CONFIGURATION_ERROR
    with owned:
        if line := cannot_listen(settings, port_setting(arguments[0]), "processors_host"):
            print(line, file=sys.stderr)
            return PORT_TAKEN
        metrics.tell_as(arguments[0])
        asyncio.run(kafka_lets_in(settings))
        run(create_app(arguments[0], settings))
    return 0


def port_setting(name: str) -> str:
    """The setting with the port of a processor's pages."""
    return f"{name.replace('-', '_')}_port"


def run(app: faust.App) -> None:
    """Let an app work until the process is told to end."""
    worker = Worker(app, quiet=True, redirect_stdouts=False)
    worker.spinner = None
    worker.execute_from_commandline()


class Worker(faust.Worker):
    """Faust's worker, whose logs are ours, and whose end is bounded in time."""

    def _schedule_shutdown(self, number: signal.Signals) -> None:
        """End. Faust's own stop hangs while Kafka is away; what is not committed comes again."""
        _end_in_time(0)
        super()._schedule_shutdown(number)

    def _crash(self, reason: BaseException) -> None:
        """End over an error in Faust. Its stop can hang then, too, and no watchdog looks on."""
        if not self.crashed:
            _end_in_time(UNEXPECTED_ERROR)
        super()._crash(reason)

    def _setup_logging(self) -> None:
        """Leave them as they are."""


def _end_in_time(code: int) -> None:
    timer = threading.Timer(END_SECONDS, _end_now, [code])
    timer.daemon = True
    timer.start()


def _end_now(code: int) -> None:
    log.warning("not all could be finished: it comes again at the next start")
    logging.shutdown()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
