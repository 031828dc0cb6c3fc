"""The processors by name, each loaded alone: without the drivers of stores that it does not use."""

from importlib import import_module

import faust

from schemas.settings import Settings

APPS = ("correlator", "clickhouse-sink", "recording-sink")


def create_app(name: str, settings: Settings) -> faust.App:
    """The app of `APPS` with this name, which nobody has started."""
    module = import_module(f"processors.{name.replace('-', '_')}")
    app: faust.App = module.create_app(settings)
    return app
