"""The merge of calls: no order, repeat or grouping of fragments makes another call."""

from datetime import timedelta
from functools import reduce
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from schemas.call import MERGE, Call, merge
from schemas.outcome import outcome
from schemas.records import decode, encode
from tests.schemas.making import calldata, event, recording
from tests.schemas.strategies import BASE, calls, fragments


def merged(fragments: list[Call]) -> Call:
    return reduce(merge, fragments)


def grouped(fragments: list[Call], random: Random) -> Call:
    """The merge of the fragments in a tree of any shape."""
    left = list(fragments)
    while len(left) > 1:
        one, other = left.pop(random.randrange(len(left))), left.pop(random.randrange(len(left)))
        left.insert(random.randrange(len(left) + 1), merge(one, other))
    return left[0]


@given(fragments(), fragments())
def test_merge_is_commutative(one: Call, other: Call) -> None:
    assert merge(one, other) == merge(other, one)


@given(fragments(), fragments(), fragments())
def test_merge_is_associative(one: Call, two: Call, three: Call) -> None:
    assert merge(merge(one, two), three) == merge(one, merge(two, three))


@given(calls())
def test_merge_is_idempotent(parts: list[Call]) -> None:
    call = merged(parts)
    assert merge(call, call) == call
    assert all(merge(call, part) == call for part in parts)


@given(calls(), st.randoms(use_true_random=False))
def test_any_order_repeats_and_grouping_give_the_same_call_and_outcome(
    parts: list[Call], random: Random
) -> None:
    again = [*parts, *random.choices(parts, k=random.randrange(4))]
    random.shuffle(again)
    call, other = merged(parts), grouped(again, random)
    assert call == other
    now = BASE + timedelta(days=1)
    assert outcome(call, now, 3600) == outcome(other, now, 3600)


@given(calls(), st.data())
def test_a_restart_between_any_two_fragments_changes_nothing(
    parts: list[Call], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(parts)))
    kept = [decode(encode(merged(part)), Call) for part in (parts[:cut], parts[cut:]) if part]
    assert merged(kept) == merged(parts)


def test_every_field_has_a_join() -> None:
    assert {"account_id", "uuid", *MERGE} == set(Call.__struct_fields__)


@pytest.mark.parametrize("other", [{"uuid": "another"}, {"account_id": "another"}])
def test_two_calls_cannot_be_merged(other: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="two calls"):
        merge(event(), replace(event(), **other))


def test_the_earliest_times_are_the_most_exact() -> None:
    first, late = calldata(end="2021-08-24 21:41:06"), calldata(end="2021-08-24 21:41:08")
    end = event("END", "2021-08-24 21:41:07")
    call = merged([late, end, first])
    assert call.ended_at == first.ended_at


def test_a_day_once_fixed_stays() -> None:
    fixed = replace(event(), day=BASE.date())
    assert merge(event("END"), fixed).day == BASE.date()


def test_two_recordings_are_both_kept_and_the_same_one_once() -> None:
    call = merged([recording(3, "a"), recording(9, "b"), recording(3, "a")])
    assert sorted(size for size, _ in call.recordings) == [3, 9]
