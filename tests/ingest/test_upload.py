"""Multipart bodies: what the app sends, and what others make of it."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ingest.errors import BadUploadError
from ingest.upload import Upload, read_disposition

AUDIO = bytes(range(256)) * 100
BOUNDARY = "e7bba2b9-2bd6-4f9e-a6b8-2b3b7a7c2a3c"
TYPE = f'multipart/form-data; boundary="{BOUNDARY}"'
HEAD = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.amr"\r\n'
END = f"\r\n--{BOUNDARY}--\r\n".encode()
BODY = (HEAD + "Content-Type: audio/amr\r\n\r\n").encode() + AUDIO + END


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(body), size):
        yield body[start : start + size]


async def read(directory: Path, body: bytes, content_type: str = TYPE, size: int = 4096) -> Upload:
    upload = Upload(str(directory))
    try:
        await upload.read(pieces(body, size), content_type)
    except BadUploadError:
        upload.close()
        raise
    return upload


@pytest.mark.parametrize("size", [1, 7, 4096, 1 << 20])
async def test_a_file_in_pieces_of_any_size(tmp_path: Path, size: int) -> None:
    upload = await read(tmp_path, BODY, size=size)
    upload.file.seek(0)
    assert upload.file.read() == AUDIO
    assert upload.size == len(AUDIO)
    assert upload.sha256 == hashlib.sha256(AUDIO).hexdigest()
    assert upload.file_name == "a.amr"
    upload.close()
    assert list(tmp_path.iterdir()) == []


async def test_fields_before_and_after_the_file(tmp_path: Path) -> None:
    before = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="accountId"\r\n\r\nОмск\r\n'
    after = f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="uuid"\r\n\r\nu1'
    body = before.encode() + BODY.removesuffix(END) + after.encode() + END
    upload = await read(tmp_path, body)
    assert upload.fields == {"accountId": "Омск", "uuid": "u1"}
    assert upload.size == len(AUDIO)
    upload.close()


@pytest.mark.parametrize("size", [1, 4096])
@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", f"multipart/form-data; boundary={BOUNDARY}", f"x; BOUNDARY={BOUNDARY}; y"],
)
async def test_the_boundary_is_found_whatever_the_header_says(
    tmp_path: Path, content_type: str, size: int
) -> None:
    upload = await read(tmp_path, BODY, content_type, size)
    assert upload.size == len(AUDIO)
    upload.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--",
        AUDIO,
        BODY[:100],
        BODY.removesuffix(END),
        BODY.removesuffix(END) + END[:-4],
        (HEAD + "\r\n").encode() + END,
        BODY.replace(b'filename="a.amr"', b"").replace(b'"file"', b'"other"'),
        BODY.removesuffix(END) + (f"\r\n{HEAD}\r\nx" * 40).encode() + END,
        (HEAD + "X: y\r\n" * 1000 + "\r\n").encode() + AUDIO + END,
    ],
    ids=[
        "nothing",
        "a hyphen",
        "no multipart",
        "cut in the file",
        "no closing boundary",
        "half a closing boundary",
        "empty file",
        "no file",
        "too many parts",
        "too many headers",
    ],
)
async def test_what_is_not_a_whole_upload_is_refused(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(BadUploadError):
        await read(tmp_path, body)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('form-data; name="file"; filename="Иванов.mp3"', ("file", "Иванов.mp3")),
        (
            'form-data; name="file"; filename="ООО "Рога"; name="x" отдел.m4a"',
            ("file", 'ООО "Рога"; name="x" отдел.m4a'),
        ),
        ('form-data; filename="a.mp3"', ("", "a.mp3")),
        ("form-data; name=file; filename=a.mp3", ("file", "a.mp3")),
        ("form-data; name=\"file\"; filename*=utf-8''%D0%90.mp3", ("file", "А.mp3")),
        ('form-data; name="file"', ("file", None)),
        ("", ("", None)),
    ],
)
def test_content_disposition(header: str, expected: tuple[str, str | None]) -> None:
    assert read_disposition(header) == expected
