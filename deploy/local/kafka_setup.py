"""What Kafka needs once on a computer: its jars, and a cache that halves the time of its start."""

import shutil
from contextlib import suppress
from pathlib import Path

from deploy.local.console import Say, silent
from deploy.local.errors import LocalError
from deploy.local.jars import CACHE, kafka_jars, locked
from deploy.local.java import startup_cache
from deploy.local.kafka import Kafka
from deploy.local.part import wait_ready
from deploy.local.ports import free_port
from schemas.settings import Settings

TRAINING_SECONDS = 120.0


def set_up_kafka(say: Say = silent) -> None:
    """Fetch the jars and let a throw-away broker run once to record what a start loads.

    Safe to repeat and to interrupt; once done it is quick and needs no network.

    Raises:
        LocalError: the jars could not be had.
    """
    jars = kafka_jars(say)
    with locked(CACHE):
        cache = startup_cache(jars)
        if not cache.exists():
            say("recording Kafka's start, once, so that later ones take half the time")
            with suppress(LocalError, OSError):
                _train(cache)


def _train(cache: Path) -> None:
    scratch = CACHE / "training"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir()
    recorded = scratch / "recorded"
    broker = Kafka(Settings(kafka_port=free_port()), scratch / "kafka", scratch / "logs")
    try:
        broker.prepare()
        broker.process.argv.insert(1, f"-XX:AOTCacheOutput={recorded}")
        broker.process.start()
        wait_ready([broker], TRAINING_SECONDS)
        broker.process.stop(TRAINING_SECONDS)
        if recorded.exists():
            recorded.rename(cache)
    finally:
        broker.process.kill()
        shutil.rmtree(scratch, ignore_errors=True)
