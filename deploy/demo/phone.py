"""A simulated phone: posts as the app does, through a stand-in for its HTTP library."""

import asyncio
import ssl
import uuid as uuids
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from types import TracebackType
from typing import Self

from deploy.demo import wire
from deploy.demo.origin import PORTS, Answer, Origin

ASCII_DIGITS = "0123456789"
ARABIC_DIGITS = "٠١٢٣٤٥٦٧٨٩"


@dataclass(frozen=True)
class Call:
    """What all fragments of a call say of it; number None is sent as the text "null"."""

    uuid: str
    direction: str
    number: str | None


@dataclass(frozen=True)
class CallData:
    """What the calldata add; `start` is the pick-up of an answered incoming call."""

    start: datetime | str
    end: datetime | str
    answered: bool
    record_path: str = ""


class Phone:
    """One phone with the app on it, set to a base address, an account and its own number.

    `zone` and `digits` are the phone's time zone and its locale's ten digits. Times are datetimes
    (naive ones are local already) or text that is sent as it is. With `bare` the paths name no
    ids and recordings carry them as form fields. Posts may run side by side. Nothing is repeated
    except by `retry`. Over HTTPS `trust` says whose certificate is believed; None: as everywhere on
    this computer.

    Every post returns the server's answer and raises `NoAnswerError` where a phone would see none.
    """

    def __init__(
        self,
        base_url: str,
        account_id: str,
        mobile: str,
        *,
        zone: tzinfo = UTC,
        digits: str = ASCII_DIGITS,
        bare: bool = False,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        scheme, _, rest = base_url.partition("://")
        authority, slash, path = rest.partition("/")
        host, _, port = authority.partition(":")
        if scheme not in PORTS or not host:
            raise ValueError(f"{base_url!r} is not an address such as http://127.0.0.1:8080")
        self.account_id = account_id
        self.mobile = mobile
        self.zone = zone
        self.bare = bare
        secure = scheme == "https"
        context = (trust or ssl.create_default_context()) if secure else None
        self.origin = Origin(host, int(port or PORTS[scheme]), context)
        self._base_path = slash + path
        self._digits = str.maketrans(ASCII_DIGITS, digits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the idle connections."""
        await self.origin.close()

    async def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """POST a body to a path below the base, which is encoded as the app encodes it.

        `headers` come first and replace the library's own of the same name. A target that is
        encoded already goes through `origin.request`.
        """
        target = wire.target(self._base_path + path)
        return await self.origin.request("POST", target, headers, body)

    async def event(self, type: str, call: Call, at: datetime | str) -> Answer:
        """Send one event: START, ANSWER or END."""
        body = wire.json_body(
            [
                ("accountId", self.account_id),
                ("direction", call.direction),
                ("startDate", self._text(at)),
                ("type", type),
                ("number", call.number),
                ("uuid", call.uuid),
                ("mobile", self.mobile),
            ]
        )
        return await self._post_json(self._path("event", call.uuid), body)

    async def calldata(self, call: Call, data: CallData) -> Answer:
        """Send the call data of one call."""
        body = wire.json_body(
            [
                ("accountId", self.account_id),
                ("direction", call.direction),
                ("startDate", self._text(data.start)),
                ("endDate", self._text(data.end)),
                ("number", call.number),
                ("uuid", call.uuid),
                ("answered", data.answered),
                ("mobile", self.mobile),
                ("recordPath", data.record_path),
            ]
        )
        return await self._post_json(self._path("calldata", call.uuid), body)

    async def record(
        self, uuid: str, file_name: str, body: bytes, content_type: str | None = None
    ) -> Answer:
        """Send a recording; its type is guessed from the file name where it is not given."""
        part = wire.Part("file", body, file_name, content_type or wire.guessed_type(file_name))
        return await self._post_form(self._path("record", uuid), part, [("uuid", uuid)])

    async def retry(self, call: Call, data: CallData, body: bytes) -> tuple[Answer, Answer]:
        """One round of the app's retry worker: recording and calldata together, in this order.

        The recording has the file name that `record_path` ends with.
        """
        file_name = data.record_path.rpartition("/")[2]
        return await asyncio.gather(
            self.record(call.uuid, file_name, body), self.calldata(call, data)
        )

    async def log(self, text: str, file_name: str = "log.txt") -> Answer:
        """Send the phone's log file."""
        part = wire.Part("file", text.encode(), file_name, wire.guessed_type(file_name))
        return await self._post_form(self._path("log"), part, [])

    def _path(self, what: str, *ids: str) -> str:
        if self.bare:
            return f"/{what}"
        return "/" + "/".join((what, self.account_id, self.mobile, *ids))

    def _text(self, at: datetime | str) -> str:
        if isinstance(at, str):
            return at
        local = at.astimezone(self.zone) if at.tzinfo else at
        return local.strftime("%Y-%m-%d %H:%M:%S").translate(self._digits)

    async def _post_json(self, path: str, body: bytes) -> Answer:
        return await self.post(path, {"Content-Type": wire.JSON_TYPE}, body)

    async def _post_form(
        self, path: str, file: wire.Part, ids: Iterable[tuple[str, str]]
    ) -> Answer:
        boundary = str(uuids.uuid4())
        owner = [("accountId", self.account_id), ("mobile", self.mobile)]
        fields = [wire.Part(name, text.encode()) for name, text in [*owner, *ids]]
        body = wire.multipart(boundary, [*fields, file] if self.bare else [file])
        return await self.post(path, {"Content-Type": wire.multipart_type(boundary)}, body)
