"""An upload is put together from chunks in any order, however often they come."""

import hashlib
from pathlib import Path
from random import Random

import pytest

from processors.assembly import Assembly
from schemas.records import CHUNK_BYTES, Chunk
from tests.processors.fakes import FakeMessage
from tests.schemas.making import RECEIVED_AT

WHOLE = Random(0).randbytes(2 * CHUNK_BYTES + 100)
COUNT = 3


def chunk(index: int) -> Chunk:
    return Chunk(
        id="upload",
        kind="recording",
        account_id="account1",
        mobile="1",
        uuid="u",
        received_at=RECEIVED_AT,
        file_name="",
        size=len(WHOLE),
        sha256=hashlib.sha256(WHOLE).hexdigest(),
        index=index,
        count=COUNT,
    )


def message(index: int) -> FakeMessage:
    value = WHOLE[index * CHUNK_BYTES : (index + 1) * CHUNK_BYTES]
    return FakeMessage("recordings", value, offset=100 + index)


def assembled(order: list[int], directory: Path) -> Assembly:
    assembly = Assembly.begin(chunk(order[0]), message(order[0]), directory)
    for index in order:
        assembly.add(chunk(index), message(index))
    return assembly


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 1, 0, 2, 0]])
def test_chunks_in_any_order_make_the_whole(order: list[int], tmp_path: Path) -> None:
    assembly = assembled(order, tmp_path)
    assert assembly.whole
    assert assembly.verified()
    assert assembly.path.read_bytes() == WHOLE
    assert assembly.message.offset == 100


@pytest.mark.parametrize("order", [[0], [0, 2], [1, 2, 2]])
def test_an_upload_with_a_chunk_missing_is_not_whole(order: list[int], tmp_path: Path) -> None:
    assert not assembled(order, tmp_path).whole


def test_bytes_that_are_not_those_that_were_hashed_are_noticed(tmp_path: Path) -> None:
    assembly = assembled([0, 1, 2], tmp_path)
    assembly.add(chunk(1), FakeMessage("recordings", bytes(CHUNK_BYTES)))
    assert assembly.whole
    assert not assembly.verified()


def test_two_uploads_of_one_call_do_not_meet(tmp_path: Path) -> None:
    one, other = assembled([0], tmp_path), assembled([1], tmp_path)
    assert one.path != other.path


def test_a_file_is_removed_once_or_twice(tmp_path: Path) -> None:
    assembly = assembled([0], tmp_path)
    assembly.remove()
    assembly.remove()
    assert not list(tmp_path.iterdir())
