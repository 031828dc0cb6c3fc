"""Somebody who administers the broker beside the pipeline."""

import asyncio
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.retention import configs_of
from schemas.settings import Settings
from schemas.topics import Topic


def config(settings: Settings, topic: Topic) -> dict[str, str]:
    """What is set on a topic itself."""
    found: dict[str, str] = asyncio.run(
        _with_admin(settings, lambda admin: configs_of(admin, topic.name))
    )
    return found


def configure(settings: Settings, topic: Topic, **more: str) -> None:
    """Set what the topics' table says, and more."""
    wanted = {**topic.config, **{name.replace("_", "."): value for name, value in more.items()}}
    resource = ConfigResource(ConfigResourceType.TOPIC, topic.name, wanted)
    asyncio.run(_with_admin(settings, lambda admin: admin.alter_configs([resource])))


async def _with_admin(settings: Settings, work: Any) -> Any:
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.brokers)
    await admin.start()
    try:
        return await work(admin)
    finally:
        await admin.close()
