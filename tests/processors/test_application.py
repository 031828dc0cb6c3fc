"""The pages of a processor: those for probes, and none that shows what passes through it."""

import asyncio
from pathlib import Path
from typing import Any

from processors import application
from schemas.settings import Settings


def test_faust_shows_nothing_of_its_tables(tmp_path: Path) -> None:
    app = application.create("test", 1, Settings(data_dir=str(tmp_path)))
    web: Any = app.web
    assert web._enabled_blueprints() == []


def test_the_pages_listen_where_the_settings_say(tmp_path: Path) -> None:
    settings = Settings(data_dir=str(tmp_path), host="0.0.0.0", processors_host="127.0.0.2")
    app = application.create("test", 1, settings)
    assert app.conf.web_bind == "127.0.0.2"


async def test_what_watches_an_app_begins_before_its_recovery(tmp_path: Path) -> None:
    app = application.create("test", 1, Settings(data_dir=str(tmp_path)))
    begun = asyncio.Event()

    async def watch() -> None:
        begun.set()

    app.from_the_start.append(watch)
    await app.on_start()
    async with asyncio.timeout(120):
        await begun.wait()
    thread: Any = getattr(app.consumer, "_thread")  # noqa: B009
    thread.thread_loop.close()
