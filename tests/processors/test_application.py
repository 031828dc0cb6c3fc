"""The pages of a processor: those for probes, and none that shows what passes through it."""

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
