"""`python -m tests.processors.crashing`: a worker that crashes in Faust, and whose stop hangs."""

import asyncio
import tempfile
from typing import Any

from processors import __main__ as processor
from processors import application
from schemas.settings import Settings


class App(application.App):
    """Crashes at its start, as Faust does over Kafka, and never stops."""

    async def on_start(self) -> None:
        """Crash."""
        await self.crash(RuntimeError("Kafka is away"))

    async def on_stop(self) -> None:
        """Hang."""
        await asyncio.Event().wait()


def main() -> None:
    """End in a moment, though Faust would not."""
    processor.END_SECONDS = 0.5
    application.App = App  # type: ignore[misc]
    with tempfile.TemporaryDirectory() as folder:
        app: Any = application.create("crashing", 1, Settings(data_dir=folder))
        processor.run(app)


if __name__ == "__main__":
    main()
