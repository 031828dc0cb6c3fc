"""The deny list: what it names, until when, and that it is nothing without its key."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from schemas.call import Call
from schemas.erasures import (
    FOR_EVER,
    KEY_BYTES,
    Denied,
    DenyList,
    Secret,
    mobile_name,
    read_secret,
)
from schemas.number import read_number
from schemas.records import DeadLetter, Message, Record, decode, encode
from schemas.settings import Settings

AT = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
LATER = AT + timedelta(milliseconds=1)
RECORD = Record(id="i", kind="event", account_id="a", mobile="8913", uuid="u", received_at=AT)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    (tmp_path / "erasures.key").write_text("ab" * KEY_BYTES + "\n")
    return Settings(data_dir=str(tmp_path), region="RU")


def secret_of(settings: Settings) -> Secret:
    secret = read_secret(settings)
    assert secret is not None
    return secret


def denying(
    settings: Settings, kind: str, *parts: str, until: datetime = AT
) -> tuple[DenyList, Denied]:
    secret = secret_of(settings)
    denied = Denied(
        erasure_id="e",
        key_id=secret.id,
        kind=kind,
        hashes=(secret.hash(kind, *parts),),
        until=until,
    )
    deny = DenyList(settings)
    assert deny.add(decode(encode(denied), Denied))
    return deny, denied


def test_an_account_is_what_was_received_until_then(settings: Settings) -> None:
    deny, _ = denying(settings, "account", "a")
    assert deny.erased(RECORD) == "account"
    assert not deny.erased(replace(RECORD, received_at=LATER))
    assert not deny.erased(replace(RECORD, account_id="b"))


def test_a_call_is_erased_for_ever(settings: Settings) -> None:
    deny, _ = denying(settings, "call", "a", "u", until=FOR_EVER)
    assert deny.erased(replace(RECORD, received_at=AT + timedelta(days=1000))) == "call"
    assert not deny.erased(replace(RECORD, uuid="v"))
    assert not deny.erased(replace(RECORD, uuid=""))
    assert not deny.erased(replace(RECORD, account_id="b"))


def test_an_employee_is_the_same_however_the_number_is_written(settings: Settings) -> None:
    name = mobile_name("a", "+7 913 529-29-66", settings)
    deny, _ = denying(settings, "mobile", *name)
    assert deny.erased(replace(RECORD, mobile="89135292966")) == "mobile"
    assert not deny.erased(replace(RECORD, mobile="89135292967"))
    assert not deny.erased(replace(RECORD, mobile="89135292966", account_id="b"))


def test_a_number_is_found_in_every_kind_of_record(settings: Settings) -> None:
    deny, _ = denying(settings, "number", "+79831693504")
    body = '{"number":"8 983 1693504","type":"START"}'
    base: dict[str, Any] = {name: getattr(RECORD, name) for name in RECORD.__struct_fields__}
    known: dict[str, Any] = {"account_id": "a", "uuid": "u"}
    known |= {"first_received_at": AT, "last_received_at": LATER}
    records = [
        Message(**base, body=body),
        DeadLetter(**base, reason="not_json", body=b'{"number":"89831693504'),
        Call(**known, number=read_number("89831693504", "RU")),
    ]
    for record in records:
        assert deny.erased(record) == "number"
    assert not deny.erased(Message(**base, body=body.replace("504", "505")))
    assert not deny.erased(Message(**base, body="{"))
    assert not deny.erased(RECORD)


def test_the_later_of_two_times_counts(settings: Settings) -> None:
    deny, denied = denying(settings, "account", "a", until=LATER)
    deny.add(Denied(**{name: getattr(denied, name) for name in denied.__struct_fields__}))
    deny.add(replace(denied, until=AT))
    assert deny.erased(replace(RECORD, received_at=LATER)) == "account"


def test_without_the_key_or_with_another_nothing_is_added(
    settings: Settings, tmp_path: Path
) -> None:
    _, denied = denying(settings, "account", "a")
    file = tmp_path / "erasures.key"
    for text in ("cd" * KEY_BYTES, "ab", "no key"):
        file.write_text(text)
        assert not DenyList(settings).add(denied)
    file.unlink()
    deny = DenyList(settings)
    assert not deny.add(denied)
    assert deny.empty
    file.write_text("ab" * KEY_BYTES)
    assert deny.add(denied)
    assert deny.erased(RECORD)


def test_a_hash_says_nothing_without_the_key() -> None:
    one, other = Secret(b"1" * KEY_BYTES), Secret(b"2" * KEY_BYTES)
    assert one.hash("number", "+7") != other.hash("number", "+7")
    assert one.hash("account", "a") != one.hash("mobile", "a")
