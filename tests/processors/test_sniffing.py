"""The type of a recording by its first bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.sniffing import SNIFF_BYTES, UNKNOWN, content_type


@pytest.mark.parametrize(
    ("head", "type"),
    [
        (b"#!AMR\n\x3c\x91", "audio/amr"),
        (b"#!AMR-WB\n\x04", "audio/amr-wb"),
        (b"\0\0\0\x18ftyp3gp4\0\0\0\0isom3gp4", "audio/3gpp"),
        (b"\0\0\0\x18ftyp3g2a\0\0\0\0", "audio/3gpp2"),
        (b"\0\0\0\x1cftypM4A \0\0\0\0", "audio/mp4"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isommp42", "audio/mp4"),
        (b"ID3\x04\0\0\0\0\0\x23", "audio/mpeg"),
        (b"\xff\xfb\x90\x64", "audio/mpeg"),
        (b"\xff\xf3\x84\xc4", "audio/mpeg"),
        (b"\xff\xe3\x18\xc4", "audio/mpeg"),
        (b"RIFF\x24\x08\0\0WAVEfmt ", "audio/wav"),
        (b"OggS\0\x02", "audio/ogg"),
        (b"\xff\xf1\x50\x80", "audio/aac"),
        (b"\xff\xf9\x50\x80", "audio/aac"),
        (b"fLaC\0\0\0\x22", "audio/flac"),
        (b"RIFF\x24\x08\0\0AVI LIST", UNKNOWN),
        (b"\xff\xe0", UNKNOWN),
        (b"\xff", UNKNOWN),
        (b"", UNKNOWN),
        (b"<html>", UNKNOWN),
    ],
)
def test_a_type_is_known_by_the_first_bytes(head: bytes, type: str) -> None:
    assert content_type(head) == type


@given(st.binary(max_size=SNIFF_BYTES))
def test_any_bytes_have_a_type(head: bytes) -> None:
    assert "/" in content_type(head)
