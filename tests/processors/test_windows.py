"""Windows: nothing is committed past a record that was read and is not done."""

from hypothesis import given
from hypothesis import strategies as st

from processors.windows import Windows

TP = ("events", 0)


def sized(offsets: list[int]) -> dict[int, int]:
    """Records of ten bytes each."""
    return dict.fromkeys(offsets, 10)


def boundary(windows: Windows) -> int:
    (boundary,) = windows.boundaries().values()
    return boundary


def test_the_boundary_is_the_first_record_that_is_not_done() -> None:
    windows = Windows()
    windows.read(TP, sized([3, 4, 5]))
    assert boundary(windows) == 3
    windows.done(TP, 4)
    windows.done(TP, 5)
    assert boundary(windows) == 3
    windows.done(TP, 3)
    assert boundary(windows) == 6


def test_holes_in_the_log_hold_back_nothing() -> None:
    windows = Windows()
    windows.read(TP, sized([3, 7]))
    windows.read(TP, sized([100]))
    for offset in (3, 7):
        windows.done(TP, offset)
    assert boundary(windows) == 100
    windows.done(TP, 100)
    assert boundary(windows) == 101


def test_a_seek_back_reads_all_again() -> None:
    windows = Windows()
    windows.read(TP, sized([3, 4, 5, 6]))
    windows.done(TP, 3)
    windows.read(TP, sized([4, 5]))
    windows.done(TP, 4)
    windows.done(TP, 5)
    assert boundary(windows) == 6


def test_what_was_read_before_the_partitions_were_shared_out_anew_is_forgotten() -> None:
    windows = Windows()
    windows.read(TP, sized([3, 4]))
    windows.forget()
    windows.done(TP, 3)
    assert windows.boundaries() == {}
    windows.read(TP, sized([8]))
    assert boundary(windows) == 8


def test_the_bytes_under_way_are_those_of_the_records_that_are_not_done() -> None:
    windows = Windows()
    windows.read(TP, {3: 100, 4: 20})
    windows.done(TP, 3)
    windows.done(TP, 3)
    assert windows.open_bytes() == {TP: 20}
    windows.read(TP, {5: 1})
    assert windows.open_bytes() == {TP: 21}
    windows.read(TP, {4: 20})
    assert windows.open_bytes() == {TP: 20}
    windows.forget()
    assert windows.open_bytes() == {}


@given(st.sets(st.integers(0, 30)), st.sets(st.integers(0, 30), min_size=1))
def test_all_before_the_boundary_is_done(done: set[int], log: set[int]) -> None:
    windows = Windows()
    windows.read(TP, sized(sorted(log)))
    for offset in done:
        windows.done(TP, offset)
    assert boundary(windows) == min(log - done, default=max(log) + 1)
