"""The phone's requests, byte for byte, and what it believes about the answers."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from deploy.demo.origin import NoAnswerError
from deploy.demo.phone import ARABIC_DIGITS, Call, CallData, Phone
from tests.deploy.demo.capture import Capture, capturing

UUID = "b13b482c-7984-47d9-bb5f-fb7aa423dd57"
CALL = Call(UUID, "incoming", "+79831693504")
RING_AT = datetime(2021, 8, 24, 21, 40, 27, tzinfo=UTC)
DATA = CallData("2021-08-24 21:40:31", "2021-08-24 21:40:35", True)


def head(target: str, port: int, content_type: str, length: int) -> bytes:
    return (
        f"POST {target} HTTP/1.1\r\n"
        f"Content-Type: {content_type}\r\n"
        "TE: gzip, deflate; q=0.5\r\n"
        "User-Agent: Dalvik/2.1.0 (Linux; U; Android 10; Redmi Note 8 Build/QKQ1.200114.002)\r\n"
        "Accept-Encoding: gzip\r\n"
        "Connection: Keep-Alive\r\n"
        f"Host: 127.0.0.1:{port}\r\n"
        f"Content-Length: {length}\r\n"
        "\r\n"
    ).encode()


def answer(line: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {line}", *headers, "Content-Length: 0", "", ""]).encode()


def sent(
    act: Callable[[Phone], Awaitable[object]],
    *answers: bytes,
    base: str = "",
    account_id: str = "account1",
    bare: bool = False,
) -> Capture:
    """What a server sees of a phone that does `act`."""

    async def go() -> Capture:
        async with capturing(*answers) as capture:
            phone = Phone(capture.base_url + base, account_id, "89135292966", bare=bare)
            async with phone:
                await act(phone)
            return capture

    return asyncio.run(go())


def target(capture: Capture) -> str:
    return capture.requests[0].split(b" ")[1].decode()


def test_a_start_event_byte_for_byte() -> None:
    capture = sent(lambda phone: phone.event("START", CALL, RING_AT))

    body = (
        b'{"accountId":"account1","direction":"incoming","startDate":"2021-08-24 21:40:27",'
        b'"type":"START","number":"+79831693504",'
        b'"uuid":"b13b482c-7984-47d9-bb5f-fb7aa423dd57","mobile":"89135292966"}'
    )
    path = f"/event/account1/89135292966/{UUID}"
    assert capture.requests == [head(path, capture.port, "application/json", len(body)) + body]


def test_calldata_byte_for_byte() -> None:
    path = '/storage/emulated/0/Записи/ООО "Рога"_1.amr'
    data = CallData(DATA.start, DATA.end, True, path)
    capture = sent(lambda phone: phone.calldata(CALL, data))

    body = (
        '{"accountId":"account1","direction":"incoming","startDate":"2021-08-24 21:40:31",'
        '"endDate":"2021-08-24 21:40:35","number":"+79831693504",'
        '"uuid":"b13b482c-7984-47d9-bb5f-fb7aa423dd57","answered":true,"mobile":"89135292966",'
        '"recordPath":"/storage/emulated/0/Записи/ООО "Рога"_1.amr"}'
    ).encode()
    where = f"/calldata/account1/89135292966/{UUID}"
    assert capture.requests == [head(where, capture.port, "application/json", len(body)) + body]


def test_a_recording_byte_for_byte() -> None:
    capture = sent(lambda phone: phone.record(UUID, 'Пётр; "Рога".amr', b"#!AMR\n\x00\r\n"))

    found = re.search(rb'boundary="([0-9a-f-]{36})"\r\n', capture.requests[0])
    assert found is not None
    boundary = found[1].decode()
    body = (
        f"--{boundary}\r\n"
        'Content-Disposition: form-data; name="file"; filename="Пётр; "Рога".amr"\r\n'
        "Content-Type: audio/amr\r\n"
        "\r\n".encode()
        + b"#!AMR\n\x00\r\n\r\n"
        + f"--{boundary}--\r\n".encode()
    )
    kind = f'multipart/form-data; boundary="{boundary}"'
    path = f"/record/account1/89135292966/{UUID}"
    assert capture.requests == [head(path, capture.port, kind, len(body)) + body]


def test_each_request_has_a_boundary_of_its_own() -> None:
    async def twice(phone: Phone) -> None:
        await phone.record(UUID, "a.mp3", b"x")
        await phone.log("10:00:00 service started")

    record, log = sent(twice).requests
    boundaries = [re.search(rb'boundary="(.+?)"', request) for request in (record, log)]
    assert boundaries[0]
    assert boundaries[1]
    assert boundaries[0][1] != boundaries[1][1]
    assert b"Content-Type: audio/mpeg\r\n\r\nx\r\n" in record
    assert log.startswith(b"POST /log/account1/89135292966 HTTP/1.1\r\n")
    assert b'filename="log.txt"\r\nContent-Type: text/plain\r\n\r\n10:00:00' in log


def test_bare_paths_carry_the_ids_in_the_body() -> None:
    async def all_of_them(phone: Phone) -> None:
        await phone.event("END", CALL, RING_AT)
        await phone.calldata(CALL, DATA)
        await phone.record(UUID, "a.amr", b"x")
        await phone.log("text")

    requests = sent(all_of_them, bare=True).requests
    paths = [request.split(b" ")[1] for request in requests]
    assert paths == [b"/event", b"/calldata", b"/record", b"/log"]
    fields = re.findall(rb'form-data; name="(\w+)"(?:; filename="[^"]+")?\r\n', requests[2])
    assert fields == [b"accountId", b"mobile", b"uuid", b"file"]
    assert f"\r\n\r\n{UUID}\r\n--".encode() in requests[2]
    assert b'name="uuid"' not in requests[3]


@pytest.mark.parametrize(
    ("base", "account_id", "expected"),
    [
        ("/", "account1", "//event/account1/89135292966/"),
        ("/k/tok ", "account1", "/k/tok%20/event/account1/89135292966/"),
        ("", "a+b", "/event/a+b/89135292966/"),
        ("", "100%", "/event/100%25/89135292966/"),
        ("", "ООО Ёж", "/event/%D0%9E%D0%9E%D0%9E%20%D0%81%D0%B6/89135292966/"),
        ("", "a/b", "/event/a/b/89135292966/"),
    ],
)
def test_paths_are_encoded_as_the_app_does(base: str, account_id: str, expected: str) -> None:
    capture = sent(
        lambda phone: phone.event("START", CALL, RING_AT), base=base, account_id=account_id
    )
    assert target(capture) == expected + UUID


@pytest.mark.parametrize(("account_id", "expected"), [("a#b", "/event/a"), ("a?b", "/event/a?b/")])
def test_a_hash_or_a_question_mark_cuts_the_path(account_id: str, expected: str) -> None:
    capture = sent(lambda phone: phone.event("START", CALL, RING_AT), account_id=account_id)
    assert target(capture).removesuffix(f"89135292966/{UUID}") == expected


def test_a_missing_number_is_the_text_null() -> None:
    call = Call(UUID, "incoming", None)
    assert b'"number":"null"' in sent(lambda phone: phone.event("END", call, RING_AT)).requests[0]


def test_times_are_the_phones_own_in_zone_and_digits() -> None:
    async def go() -> bytes:
        async with capturing() as capture:
            zone = ZoneInfo("Asia/Omsk")
            phone = Phone(capture.base_url, "a", "1", zone=zone, digits=ARABIC_DIGITS)
            async with phone:
                await phone.event("START", CALL, RING_AT)
            return capture.requests[0]

    assert '"startDate":"٢٠٢١-٠٨-٢٥ ٠٣:٤٠:٢٧"'.encode() in asyncio.run(go())


def test_requests_share_a_connection_and_leave_a_closed_one() -> None:
    async def three(phone: Phone) -> None:
        for _ in range(3):
            await phone.event("START", CALL, RING_AT)
            await asyncio.sleep(0.01)

    closing = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert sent(three).connections == 1
    assert sent(three, closing).connections == 2


@pytest.mark.parametrize(
    ("line", "believed"),
    [
        ("200 OK", True),
        ("302 Found", True),
        ("304 Not Modified", True),
        ("413 Content Too Large", False),
        ("503 Service Unavailable", False),
    ],
)
def test_success_is_anything_but_4xx_and_5xx(line: str, believed: bool) -> None:
    async def act(phone: Phone) -> None:
        got = await phone.event("START", CALL, RING_AT)
        assert got.status == int(line[:3])
        assert got.believed is believed

    assert len(sent(act, answer(line)).requests) == 1


def test_a_chunked_answer_is_read_whole() -> None:
    async def act(phone: Phone) -> None:
        got = await phone.event("START", CALL, RING_AT)
        assert got.body == b"hello world"
        assert (await phone.event("END", CALL, RING_AT)).body == b'{"status":"OK"}'

    chunks = b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"
    sent(act, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks)


@pytest.mark.parametrize("broken", [b"", b"SSH-2.0-OpenSSH\r\n\r\n"])
def test_no_answer_is_an_error_and_nothing_is_repeated(broken: bytes) -> None:
    async def act(phone: Phone) -> None:
        with pytest.raises(NoAnswerError):
            await phone.event("START", CALL, RING_AT)

    assert len(sent(act, broken).requests) == 1


def test_a_retry_sends_recording_and_calldata() -> None:
    data = CallData(DATA.start, "2021-08-24 21:40:36", True, "/storage/Запись 1.amr")
    requests = sent(lambda phone: phone.retry(CALL, data, b"audio")).requests

    record, calldata = sorted(requests, key=lambda request: b"/calldata/" in request)
    assert 'filename="Запись 1.amr"'.encode() in record
    assert b'"endDate":"2021-08-24 21:40:36"' in calldata


def test_own_headers_come_first_and_replace_the_librarys() -> None:
    headers = {"Content-Type": "text/csv", "host": "elsewhere"}
    request = sent(lambda phone: phone.post("/event", headers, b"")).requests[0]
    assert request.startswith(b"POST /event HTTP/1.1\r\nContent-Type: text/csv\r\nhost: elsewhere")
    assert b"Host:" not in request


def test_an_address_without_http_is_refused() -> None:
    with pytest.raises(ValueError, match="is not an address such as"):
        Phone("127.0.0.1:8080", "account1", "1")
