"""The ASGI application: which path and method goes where."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, request_response

from ingest.answers import Refusal, accepted
from ingest.errors import (
    REFUSED,
    GoneError,
    MethodNotAllowedError,
    NotFoundError,
    RefusedError,
)
from ingest.gate import Gate
from ingest.home import home, is_home
from ingest.posts import Posts
from ingest.publisher import Publisher
from ingest.readiness import Readiness
from ingest.target import Target, read_target
from schemas import logs, metrics
from schemas.ids import new_id
from schemas.settings import Settings

CLIENT_GONE = 499

log = logging.getLogger(__name__)


def create_app(settings: Settings, publisher: Publisher) -> Starlette:
    """The ingress over a publisher, which starts in the app's lifespan.

    Raises:
        SettingError: these settings would let strangers send, or the tokens cannot be read.
    """
    for refused in REFUSED:
        metrics.REFUSED.labels(refused.reason())
    gate = Gate(settings)
    posts = Posts(settings, publisher, gate)
    readiness = Readiness(publisher.ready)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await publisher.start()
        yield
        await publisher.stop()

    def last(response: Response) -> Response:
        if app.state.leaving:
            response.headers["Connection"] = "close"
        return response

    async def healthz(request: Request) -> Response:
        return last(PlainTextResponse("OK"))

    async def readyz(request: Request) -> Response:
        if app.state.leaving:
            return last(PlainTextResponse("leaving", 503))
        ready = await readiness.ready()
        return PlainTextResponse("ready" if ready else "Kafka is away", 200 if ready else 503)

    async def told(request: Request) -> Response:
        return last(Response(generate_latest(), media_type=CONTENT_TYPE_LATEST))

    async def anything(request: Request) -> Response:
        scope = request.scope
        target = read_target(scope["raw_path"], scope["query_string"])
        if request.method in ("GET", "HEAD") and is_home(scope["raw_path"]):
            return last(home(request, gate, settings))
        kind = target.kind if target else "none"
        logs.about.set(new_id())
        with metrics.REQUEST_SECONDS.labels(kind).time():
            response = await _answer(lambda: _take(posts, request, target))
        metrics.REQUESTS.labels(kind, response.status_code).inc()
        log.debug("%s: %d", kind, response.status_code)
        return last(response)

    routes = [Route("/healthz", healthz), Route("/readyz", readyz)]
    if not settings.ingest_metrics_port:
        routes.append(Route("/metrics", told))
    app = Starlette(lifespan=lifespan, routes=routes)
    app.state.leaving = False
    app.router.redirect_slashes = False
    # Not a route: the pattern of a route does not match a path with a newline in it.
    app.router.default = request_response(anything)
    return app


async def _take(posts: Posts, request: Request, target: Target | None) -> None:
    if target is None:
        raise NotFoundError
    if request.method != "POST":
        raise MethodNotAllowedError
    await posts.take(request, target)


async def _answer(take: Callable[[], Awaitable[None]]) -> Response:
    try:
        await take()
    except RefusedError as error:
        metrics.REFUSED.labels(error.reason()).inc()
        return Refusal(error)
    except GoneError:
        return Response(status_code=CLIENT_GONE)
    return accepted()
