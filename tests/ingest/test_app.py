"""The ingress over HTTP, as phones, people and probes meet it."""

import asyncio
import hashlib
import json
import re
from datetime import datetime

import pytest

from deploy.demo.phone import Call, CallData
from ingest.errors import UnavailableError
from schemas.records import CHUNK_BYTES
from tests.ingest.conftest import Ingress

UUID = "b13b482c-7984-47d9-bb5f-fb7aa423dd57"
CALL = Call(UUID, "incoming", "+79831693504")
AT = datetime(2021, 8, 24, 21, 40, 27)
JSON = {"Content-Type": "application/json"}
AUDIO = b"#!AMR\n" + bytes(range(256)) * 5000


@pytest.mark.parametrize("bare", [False, True])
async def test_an_event_becomes_a_message_with_its_body_as_sent(
    ingress: Ingress, bare: bool
) -> None:
    async with ingress.phone(bare=bare) as phone:
        answer = await phone.event("START", CALL, AT)
    assert answer.status == 200
    assert json.loads(answer.body) == {"status": "OK"}
    (message,) = ingress.publisher.messages()
    assert (message.kind, message.account_id, message.mobile, message.uuid) == (
        *("event", "account1", "89135292966"),
        UUID,
    )
    assert json.loads(message.body)["startDate"] == "2021-08-24 21:40:27"
    assert ingress.publisher.records[0].key == f'["account1","{UUID}"]'.encode()


async def test_one_call_has_one_key_however_its_uuid_is_written(ingress: Ingress) -> None:
    async with ingress.phone() as phone:
        await phone.event("START", CALL, AT)
        await phone.event("END", Call(UUID.upper(), "incoming", None), AT)
        await phone.record(UUID.upper(), "a.amr", AUDIO)
    assert len({record.key for record in ingress.publisher.records}) == 1


@pytest.mark.parametrize("bare", [False, True])
async def test_a_recording_becomes_chunks(ingress: Ingress, bare: bool) -> None:
    async with ingress.phone(bare=bare) as phone:
        answer = await phone.record(UUID, "Мама.amr", AUDIO)
    assert answer.status == 200
    chunks = ingress.publisher.chunks()
    assert b"".join(value for _, value in chunks) == AUDIO
    assert [chunk.index for chunk, _ in chunks] == [0, 1, 2]
    first, value = chunks[0]
    assert len(value) == CHUNK_BYTES
    assert (first.count, first.size, first.file_name) == (3, len(AUDIO), "Мама.amr")
    assert first.sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert len({chunk.id for chunk, _ in chunks}) == 1
    assert first.uuid == UUID


@pytest.mark.parametrize("bare", [False, True])
async def test_a_log_file_becomes_chunks_of_its_own_topic(ingress: Ingress, bare: bool) -> None:
    async with ingress.phone(bare=bare) as phone:
        assert (await phone.log("текст")).status == 200
    ((chunk, value),) = ingress.publisher.chunks()
    assert (chunk.kind, chunk.mobile, chunk.uuid) == ("log", "89135292966", "")
    assert value.decode() == "текст"


async def test_what_cannot_be_read_is_taken_as_a_dead_letter_with_its_bytes(
    ingress: Ingress,
) -> None:
    body = '{"number":"Мама"}'.encode("cp1251")
    answer = await ingress.origin.request("POST", f"/event/account1/891/{UUID}", JSON, body)
    assert answer.status == 200
    (letter,) = ingress.publisher.dead_letters()
    assert (letter.reason, letter.body, letter.size) == ("not_utf8", body, len(body))
    assert (letter.account_id, letter.mobile, letter.uuid) == ("account1", "891", UUID)
    assert ingress.publisher.messages() == []


async def test_the_token_of_a_base_address_is_nowhere_in_the_records(ingress: Ingress) -> None:
    for body in (b"{}", b"not json"):
        path = f"/k/S3cret/event/account1/891/{UUID}"
        assert (await ingress.origin.request("POST", path, JSON, body)).status == 200
    assert ingress.publisher.records
    assert b"S3cret" not in b"".join(record.value for record in ingress.publisher.records)


async def test_a_body_over_the_limit_is_refused_and_seen(ingress: Ingress) -> None:
    path = f"/calldata/account1/891/{UUID}"
    answer = await ingress.origin.request("POST", path, JSON, b"x" * 5000)
    assert answer.status == 413
    (letter,) = ingress.publisher.dead_letters()
    assert (letter.reason, letter.body, letter.size) == ("too_large", b"", 5000)


async def test_a_recording_over_the_limit_is_refused_and_seen(ingress: Ingress) -> None:
    async with ingress.phone() as phone:
        answer = await phone.record(UUID, "a.amr", AUDIO * 2)
    assert answer.status == 413
    assert ingress.publisher.chunks() == []
    assert [letter.reason for letter in ingress.publisher.dead_letters()] == ["too_large"]


async def test_a_chunked_upload_is_cut_off_at_the_limit(ingress: Ingress) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
    writer.write(
        f"POST /record/account1/891/{UUID} HTTP/1.1\r\nHost: x\r\n"
        "Transfer-Encoding: chunked\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n".encode()
    )
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    for piece in (head, *[b"x" * 65_536] * 40):
        writer.write(b"%x\r\n" % len(piece) + piece + b"\r\n")
        await writer.drain()
    status = await asyncio.wait_for(reader.readline(), 10)
    assert status.split()[1] == b"413"
    writer.close()
    assert ingress.publisher.chunks() == []


@pytest.mark.parametrize("size", [0, 10])
async def test_a_recording_that_may_come_whole_later_is_refused(
    ingress: Ingress, size: int
) -> None:
    path = f"/record/account1/891/{UUID}"
    headers = {"Content-Type": 'multipart/form-data; boundary="b"'}
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = head + b"x" * size + (b"\r\n--b--\r\n" if size == 0 else b"")
    answer = await ingress.origin.request("POST", path, headers, body)
    assert answer.status == 400
    assert ingress.publisher.records == []


async def test_a_sender_that_leaves_in_the_middle_leaves_nothing(ingress: Ingress) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
    writer.write(
        f"POST /record/account1/891/{UUID} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n".encode()
    )
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.transport.abort()
    async with ingress.phone() as phone:
        assert (await phone.event("START", CALL, AT)).status == 200
    assert ingress.publisher.chunks() == []


async def test_a_sender_that_falls_silent_is_cut_off(ingress: Ingress) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", ingress.port)
    writer.write(b"POST /event HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
    status = await asyncio.wait_for(reader.readline(), 10)
    assert status.split()[1] == b"408"
    writer.close()


async def test_nothing_is_promised_while_kafka_is_away(ingress: Ingress) -> None:
    ingress.publisher.failure = UnavailableError()
    ingress.publisher.is_ready = False
    async with ingress.phone() as phone:
        answer = await phone.record(UUID, "a.amr", AUDIO)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert (await ingress.origin.request("GET", "/readyz", {})).status == 503
    assert (await ingress.origin.request("GET", "/healthz", {})).status == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/event", "/record/a/b/c", "/k/tok/log/a/b", "//calldata"])
async def test_posting_paths_take_post_only_and_never_redirect(
    ingress: Ingress, method: str, path: str
) -> None:
    answer = await ingress.origin.request(method, path, {})
    assert answer.status == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", ["/events", "/event.php", "/x/event/a/b/c", "/k/tok/x"])
async def test_other_paths_are_not_found(ingress: Ingress, path: str) -> None:
    assert (await ingress.origin.request("POST", path, JSON, b"{}")).status == 404


@pytest.mark.parametrize("path", ["/", "//", "/k/tok", "/k/tok/"])
async def test_the_base_address_says_that_it_works(ingress: Ingress, path: str) -> None:
    answer = await ingress.origin.request("GET", path, {})
    assert (answer.status, answer.body) == (200, b"OK")
    page = await ingress.origin.request("GET", path, {"Accept": "text/html,*/*"})
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"it works" in page.body


async def test_metrics_count_what_was_answered(ingress: Ingress) -> None:
    async with ingress.phone() as phone:
        await phone.event("START", CALL, AT)
        await phone.calldata(CALL, CallData(AT, AT, answered=True))
    text = (await ingress.origin.request("GET", "/metrics", {})).body.decode()
    assert 'callagent_requests_total{kind="event",status="200"}' in text
    assert re.search(r'^callagent_accepted_total\{kind="calldata"\} [1-9]', text, re.MULTILINE)


async def test_ids_that_are_missing_everywhere(ingress: Ingress) -> None:
    answer = await ingress.origin.request("POST", "/event", JSON, b'{"type":"START"}')
    assert answer.status == 200
    assert [letter.reason for letter in ingress.publisher.dead_letters()] == ["missing_ids"]
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    body = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nx\r\n--b--\r\n'
    assert (await ingress.origin.request("POST", "/record", headers, body)).status == 400


async def test_a_newline_in_an_id_is_an_id_like_any_other(ingress: Ingress) -> None:
    answer = await ingress.origin.request("POST", "/event/a%0Ab/8/u1", JSON, b'{"type":"START"}')
    assert answer.status == 200
    assert [message.account_id for message in ingress.publisher.messages()] == ["a\nb"]


async def test_a_recording_refused_for_its_ids_is_seen(ingress: Ingress) -> None:
    async with ingress.phone() as phone:
        assert (await phone.record("u" * 2000, "a.amr", AUDIO)).status == 400
    assert [letter.reason for letter in ingress.publisher.dead_letters()] == ["missing_ids"]
