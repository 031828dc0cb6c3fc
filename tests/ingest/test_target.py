"""Paths: which message, whose."""

import pytest

from ingest.target import Ids, read_target

CALL = Ids("account1", "89135292966", "b13b482c")


@pytest.mark.parametrize(
    "path",
    [
        "/event/account1/89135292966/b13b482c",
        "//event/account1/89135292966/b13b482c",
        "/event/account1/89135292966/b13b482c/",
        "/k/tok/event/account1/89135292966/b13b482c",
        "/k/tok%20/event/account1/89135292966/b13b482c",
        "/%20/event/account1/89135292966/b13b482c",
    ],
)
def test_a_base_address_as_people_type_it(path: str) -> None:
    target = read_target(path.encode(), b"")
    assert target is not None
    assert (target.kind, target.ids) == ("event", CALL)
    assert target.path == "/event/account1/89135292966/b13b482c"


def test_ids_are_percent_decoded_and_a_plus_stays() -> None:
    target = read_target(b"/record/%D0%9E%D0%9E%D0%9E%20%25/+7913/B1", b"")
    assert target is not None
    assert target.kind == "recording"
    assert target.ids == Ids("ООО %", "+7913", "B1")


@pytest.mark.parametrize(
    ("path", "query", "guess"),
    [
        ("/record/a/b/891/u1", b"", Ids("a/b", "891", "u1")),
        ("/record/a", b"x/891/u1", Ids("a?x", "891", "u1")),
        ("/log/a/b/891", b"", Ids("a/b", "891")),
        ("/record/a", b"", None),
        ("/record/a", b"/", None),
        ("/record", b"", None),
    ],
)
def test_a_path_of_another_length_names_no_ids_but_can_be_guessed(
    path: str, query: bytes, guess: Ids | None
) -> None:
    target = read_target(path.encode(), query)
    assert target is not None
    assert target.ids is None
    assert target.guess == guess


@pytest.mark.parametrize("path", ["/", "/events/a/b/c", "/k/event", "/favicon.ico", "/k"])
def test_other_paths_are_no_target(path: str) -> None:
    assert read_target(path.encode(), b"") is None


def test_bytes_that_are_no_utf8_harm_nothing() -> None:
    target = read_target(b"/event/%FF/891/u1", b"")
    assert target is not None
    assert target.ids == Ids("\N{REPLACEMENT CHARACTER}", "891", "u1")
