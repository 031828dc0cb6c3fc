"""What the three Faust apps share: how they talk to Kafka, and their pages for probes."""

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar

import faust
from faust.types.web import Request, Response, View
from faust.web.drivers import aiohttp
from prometheus_client import generate_latest

from processors import consumer
from processors.folder import folder_of
from processors.recovery import LogTables
from schemas.security import kafka_options
from schemas.settings import Settings
from schemas.topics import Topic

COMMIT_SECONDS = 1.0
SESSION_SECONDS = 10.0
HEARTBEAT_SECONDS = 3.0
# A worker that joins while brokers start may see no topics, and is idle until it looks again.
METADATA_MS = 10_000
MAX_REQUEST_BYTES = 2_000_000
# A broker that answers nothing is asked again; Faust would give it 20 minutes.
REQUEST_SECONDS = 40.0
MAX_FETCH_BYTES = 2_097_152


class Pages(aiohttp.Web):
    """The pages of `_add_pages` alone: Faust's own show tables, and so calls, to anybody."""

    default_blueprints: ClassVar[list[Any]] = []
    production_blueprints: ClassVar[list[Any]] = []
    debug_blueprints: ClassVar[list[Any]] = []
    optional_blueprints: ClassVar[list[Any]] = []


class App(consumer.App):
    """A Faust app with our consumer and our pages.

    `from_the_start` run as long as it does, and not only when its tables are recovered.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.from_the_start: list[Callable[[], Awaitable[None]]] = []

    async def on_start(self) -> None:
        """Begin what runs from the start."""
        await super().on_start()
        for task in self.from_the_start:
            self.add_future(task())

    def _new_web(self) -> Pages:
        return Pages(self)


def create(
    name: str, port: int, settings: Settings, most_open_bytes: int = 0, **options: Any
) -> "App":
    """A Faust app (a consumer group of its own) that reads and writes raw bytes.

    It has about `most_open_bytes` of each topic under way at once; 0: as many as come. Topics are
    made by the migration alone. Offsets are committed for what was acknowledged by hand, after a
    store had it (DESIGN 8).
    """
    datadir = folder_of(name, settings)
    datadir.mkdir(parents=True, exist_ok=True)
    app = App(
        f"callagent-{name}",
        broker_credentials=_credentials(settings),
        broker=";".join(f"kafka://{broker}" for broker in settings.brokers.split(",")),
        datadir=str(datadir),
        key_serializer="raw",
        value_serializer="raw",
        producer_acks=-1,
        producer_max_request_size=MAX_REQUEST_BYTES,
        producer_request_timeout=REQUEST_SECONDS,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=MAX_FETCH_BYTES,
        broker_commit_interval=COMMIT_SECONDS,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        consumer_metadata_max_age_ms=METADATA_MS,
        producer_metadata_max_age_ms=METADATA_MS,
        topic_allow_declare=False,
        topic_disable_leader=True,
        topic_partitions=settings.kafka_partitions,
        TableManager=LogTables,
        table_standby_replicas=0,
        web_bind=settings.processors_host,
        web_port=port,
        web_cors_options=None,
        worker_redirect_stdouts=False,
        **options,
    )
    app.most_open_bytes = most_open_bytes
    _add_pages(app)
    return app


def _credentials(settings: Settings) -> Any:
    """How Faust is told what aiokafka is told with other words."""
    options = kafka_options(settings)
    context = options["ssl_context"]
    if "sasl_mechanism" not in options:
        return context
    return faust.SASLCredentials(
        username=options["sasl_plain_username"],
        password=options["sasl_plain_password"],
        mechanism=options["sasl_mechanism"],
        ssl_context=context,
    )


def topic_of(app: faust.App, topic: Topic) -> Any:
    """One of our topics as a channel of the app, with raw keys and values."""
    return app.topic(topic.name, key_type=bytes, value_type=bytes, internal=False)


def ready(app: faust.App) -> bool:
    """Whether the app has its partitions, has recovered its tables, and consumes."""
    consuming = app.flow_control.is_active() and not app.rebalancing
    return bool(app.started and consuming and app.consumer.assignment())


def _add_pages(app: faust.App) -> None:
    @app.page("/healthz")
    async def healthz(web: View, request: Request) -> Response:
        return web.text("OK")

    @app.page("/readyz")
    async def readyz(web: View, request: Request) -> Response:
        is_ready = ready(app)
        return web.text("ready" if is_ready else "not yet", status=200 if is_ready else 503)

    @app.page("/metrics")
    async def metrics(web: View, request: Request) -> Response:
        return web.bytes(generate_latest(), content_type="text/plain")
