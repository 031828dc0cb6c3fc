"""A link to a recording works for everybody who has it; without one nothing can be read."""

import asyncio
import uuid as uuids

import pytest
import urllib3

from deploy.demo.phone import Call, Phone
from deploy.local.pipeline import Pipeline
from processors import s3
from schemas.settings import Settings
from tests.analyst import Analyst, eventually
from tests.deploy.commands import run

AUDIO = b"#!AMR\n" + bytes(5000)


def get(url: str) -> tuple[int, bytes]:
    response = urllib3.request("GET", url, retries=False)
    return response.status, response.data


@pytest.mark.integration
async def test_a_link_gives_the_longest_recording_and_the_bucket_is_private(
    pipeline: Pipeline, settings: Settings, analyst: Analyst
) -> None:
    uuid = str(uuids.uuid4())
    async with Phone(f"http://127.0.0.1:{settings.ingest_port}", "account1", "891") as phone:
        await phone.record(uuid, "a.amr", AUDIO)
        await phone.record(uuid, "a.amr", AUDIO[:1000])
    row = await asyncio.to_thread(
        eventually, lambda: analyst.call(uuid), lambda row: len(row.get("recordings", [])) == 2
    )
    tags = s3.connect(settings).get_object_tags(settings.s3_bucket, row["recording"])
    assert tags == {"kind": "recording"}
    bare = f"{settings.s3}/{settings.s3_bucket}"
    assert get(f"{bare}/{row['recording']}")[0] == 403
    assert get(f"{bare}?list-type=2")[0] == 403

    ended = run(settings, "deploy.link", "account1", uuid.upper())
    (link,) = ended.lines
    assert (ended.code, ended.err) == (0, "")
    assert get(link) == (200, AUDIO)
    other = link.replace(row["recording"], row["recordings"][1])
    assert get(other)[0] == 403
    links = run(settings, "deploy.link", "account1", uuid, "--all", "--minutes", "1").lines
    assert [get(item)[1] for item in links] == [AUDIO, AUDIO[:1000]]


@pytest.mark.integration
async def test_no_call_and_no_recording_are_said(
    pipeline: Pipeline, settings: Settings, analyst: Analyst
) -> None:
    uuid = str(uuids.uuid4())
    ended = run(settings, "deploy.link", "account1", uuid)
    assert (ended.code, ended.err) == (
        1,
        f"error: there is no call '{uuid}' of account 'account1'\n",
    )
    async with Phone(f"http://127.0.0.1:{settings.ingest_port}", "account1", "891") as phone:
        await phone.event("START", Call(uuid, "incoming", "+79831693504"), "2021-08-24 21:40:27")
    await asyncio.to_thread(eventually, lambda: analyst.call(uuid), bool)
    assert "has no recording" in run(settings, "deploy.link", "account1", uuid).err


@pytest.mark.parametrize("minutes", ["10081", "0", "-1", "nan", "soon"])
def test_a_life_that_is_too_long_or_none_is_refused(minutes: str) -> None:
    ended = run(Settings(), "deploy.link", "a", "u", f"--minutes={minutes}")
    assert ended.code == 2
    assert "Traceback" not in ended.err
