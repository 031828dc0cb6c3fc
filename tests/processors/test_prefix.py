"""Which offsets may be committed: always a contiguous prefix of groups that are whole and done."""

from hypothesis import given
from hypothesis import strategies as st

from processors.prefix import Prefix

GROUPS = st.lists(st.sampled_from("abcd"), max_size=12)


def test_nothing_is_held_back_where_nothing_was_read() -> None:
    assert Prefix().boundary() is None


def test_an_open_group_holds_back_its_first_offset_and_all_behind() -> None:
    prefix = Prefix()
    for offset, group in enumerate("abab", start=10):
        prefix.add(group, offset)
    assert prefix.boundary() == 10
    prefix.close("a")
    assert prefix.boundary() == 10
    prefix.close("b")
    assert prefix.boundary() is None


def test_a_group_is_never_cut_in_two() -> None:
    prefix = Prefix()
    for offset, group in enumerate("abbac"):
        prefix.add(group, offset)
    prefix.close("a")
    prefix.close("b")
    assert prefix.boundary() == 4
    assert Prefix().boundary() is None


def test_a_closed_group_that_reaches_behind_an_open_one_waits_with_it() -> None:
    prefix = Prefix()
    for offset, group in enumerate("xabca"):
        prefix.add(group, offset)
    for group in "xac":
        prefix.close(group)
    assert prefix.boundary() == 1
    prefix.close("b")
    assert prefix.boundary() is None


def test_closing_a_group_that_was_not_read_does_nothing() -> None:
    prefix = Prefix()
    prefix.add("a", 3)
    prefix.close("b")
    assert prefix.boundary() == 3


def greatest_prefix(groups: list[str], closed: set[str]) -> int | None:
    """The same by trying every boundary."""
    allowed = [
        end
        for end in range(len(groups) + 1)
        if set(groups[:end]) <= closed and not set(groups[:end]) & set(groups[end:])
    ]
    end = max(allowed)
    return None if end == len(groups) else end


@given(GROUPS, st.sets(st.sampled_from("abcd")))
def test_the_boundary_is_the_greatest_that_is_allowed(groups: list[str], closed: set[str]) -> None:
    prefix = Prefix()
    for offset, group in enumerate(groups):
        prefix.add(group, offset)
    for group in closed:
        prefix.close(group)
    assert prefix.boundary() == greatest_prefix(groups, closed)


@given(GROUPS, st.permutations("abcd"))
def test_boundaries_only_move_on_and_forget_what_lies_before(
    groups: list[str], order: list[str]
) -> None:
    prefix, closed, last = Prefix(), set[str](), 0
    for offset, group in enumerate(groups):
        prefix.add(group, offset)
    for group in order:
        prefix.close(group)
        closed.add(group)
        boundary = prefix.boundary()
        assert boundary == greatest_prefix(groups, closed)
        assert boundary is None or boundary >= last
        last = boundary or last
