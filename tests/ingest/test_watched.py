"""Files that others change: what counts as a change, and how often it is looked for."""

from pathlib import Path

from ingest.watched import LOOK_SECONDS, Watched


class Clock:
    """Each time that it is asked, the next look is due."""

    now = 0.0

    def __call__(self) -> float:
        self.now += LOOK_SECONDS
        return self.now


def test_each_change_is_told_once(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("x")
    watched = Watched(one, two, clock=Clock())
    assert not watched.changed()
    for change in (
        lambda: one.write_text("xx"),
        lambda: two.write_text("y"),
        lambda: two.rename(one),
        lambda: one.unlink(),
    ):
        change()
        assert [watched.changed(), watched.changed()] == [True, False]


def test_a_folder_behind_a_link_is_changed_as_kubernetes_does_it(tmp_path: Path) -> None:
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tls.crt").write_text("x")
    link, new = tmp_path / "data", tmp_path / "new"
    link.symlink_to("before")
    (tmp_path / "tls.crt").symlink_to("data/tls.crt")
    watched = Watched(tmp_path / "tls.crt", clock=Clock())
    new.symlink_to("after")
    new.rename(link)
    assert watched.changed()


def test_it_is_looked_at_once_a_second(tmp_path: Path) -> None:
    now = [0.0]
    watched = Watched(tmp_path / "one", clock=lambda: now[0])
    (tmp_path / "one").write_text("x")
    now[0] = LOOK_SECONDS / 2
    assert not watched.changed()
    now[0] = LOOK_SECONDS
    assert watched.changed()
