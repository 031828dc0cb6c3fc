"""A rolling restart under load: no phone sees an error, nothing is lost or there twice."""

import asyncio

import pytest

from deploy.local.pipeline import Pipeline
from deploy.local.ports import free_ports
from tests.analyst import Analyst
from tests.faults.balancer import Balancer
from tests.faults.traffic import Traffic, assert_all_there
from tests.faults.workers import Workers

pytestmark = pytest.mark.integration

LEAVE_SECONDS = 2.0
ACK_DEADLINE_SECONDS = 10.0


async def test_no_phone_sees_a_rolling_restart(
    pipeline: Pipeline, analyst: Analyst, workers: Workers
) -> None:
    ports = free_ports(2)
    ingresses = [
        workers.ingress(
            f"ingress-{port}",
            ingest_port=port,
            leave_seconds=LEAVE_SECONDS,
            ack_deadline_seconds=ACK_DEADLINE_SECONDS,
        )
        for port in ports
    ]
    await asyncio.to_thread(workers.run, *ingresses)
    balancer = Balancer(ports)
    async with balancer.running():
        traffic = Traffic(f"http://127.0.0.1:{balancer.port}")
        async with traffic.flowing(phones=4):
            await asyncio.to_thread(workers.restart, *ingresses, *pipeline.processors)
    assert traffic.refused == []
    await assert_all_there(analyst, traffic)
