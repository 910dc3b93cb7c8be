"""Paths of file staging: what they may be, what they mean to whom, and how they are shown."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from strongroom.domain.errors import InsufficientAccess, InvalidData
from strongroom.domain.staging import (
    NAME_MAX,
    PATH_MAX,
    check_name,
    folders_above,
    name_of,
    normalised,
    parent_of,
    resolve,
    shown,
)
from strongroom.domain.user import User

ADMIN = User(20001, "a@x", "A", "A", "a@x", security_profile="vault_owner__v")
NORA = User(20417, "n@x", "N", "N", "n@x")

NAMES = st.one_of(
    st.sampled_from(["u20417", "u1", "u0", "u", "U1", "u20417x", "...", ". .", " ", "a.csv", "content", "é", "a\\b"]),
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/"), min_size=1, max_size=12),
).filter(lambda name: name != "." and ".." not in name.split("\\"))
PATHS = st.lists(NAMES, max_size=6).map(lambda names: "/" + "/".join(names))


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("", "/"),
        ("/", "/"),
        ("///", "/"),
        ("a.csv", "/a.csv"),
        ("/a.csv", "/a.csv"),
        ("a/", "/a"),
        ("u20417//5120/318/0_1/Cleaning SOP.docx", "/u20417/5120/318/0_1/Cleaning SOP.docx"),
        ("//a///b//", "/a/b"),
        ("/...", "/..."),
        ("/a..b/.hidden", "/a..b/.hidden"),
        ("/ ", "/ "),
        ("/n" + "n" * (NAME_MAX - 1), "/n" + "n" * (NAME_MAX - 1)),
        ("/" + "ä" * (NAME_MAX // 2), "/" + "ä" * (NAME_MAX // 2)),
        ("/Screenshot 9.41\u202fAM.png", "/Screenshot 9.41\u202fAM.png"),
        ("/a\\b", "/a\\b"),
    ],
)
def test_spellings_of_one_path(written: str, path: str) -> None:
    assert normalised(written) == path


@pytest.mark.parametrize(
    ("written", "named"),
    [
        ("..", r"\[\.\.\]"),
        ("../x", r"\[\.\.\]"),
        ("/a/../b", r"\[\.\.\]"),
        ("/a/..", r"\[\.\.\]"),
        ("/.", r"\[\.\]"),
        ("/a/./b", r"\[\.\]"),
        ("/..\\..\\etc", r"\[\.\.\\\.\.\\etc\]"),
        ("/a\x00b", r"\[a\?b\]"),
        ("/a\nb", r"\[a\?b\]"),
        ("/a\x7f", r"\[a\?\]"),
        ("/a\x85b", r"\[a\?b\]"),
        ("/a\udcff", r"\[a\?\]"),
        ("/\ud800\x01", r"not valid Unicode"),
        ("/" + "n" * (NAME_MAX + 1), rf"\[n{{60}}\.\.\.\] has {NAME_MAX + 1} bytes"),
        ("/" + "ä" * (NAME_MAX // 2 + 1), f"{NAME_MAX + 2} bytes"),
        ("/d" * (PATH_MAX // 2 + 1), f"more than {PATH_MAX} bytes"),
    ],
)
def test_paths_that_are_refused_with_what_is_wrong(written: str, named: str) -> None:
    with pytest.raises(InvalidData, match=named) as refused:
        normalised(written)
    refused.value.message.encode()


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("", "/u20417"),
        ("/", "/u20417"),
        ("u20417", "/u20417"),
        ("/u20417/", "/u20417"),
        ("a.csv", "/u20417/a.csv"),
        ("/u20417/a.csv", "/u20417/a.csv"),
        ("//u20417//a.csv", "/u20417/a.csv"),
        ("/U1/a", "/u20417/U1/a"),
        ("/u0", "/u20417/u0"),
        ("/u20417x", "/u20417/u20417x"),
        ("/Inbox", "/u20417/Inbox"),
        ("/a/u1", "/u20417/a/u1"),
    ],
)
def test_a_user_means_the_own_folder(written: str, path: str) -> None:
    assert resolve(NORA, written) == path


@pytest.mark.parametrize("written", ["u1", "/u1/a", "//u1", "/u204170", "/u2041/x"])
def test_another_users_folder_is_refused_by_its_name(written: str) -> None:
    with pytest.raises(InsufficientAccess, match=written.strip("/").split("/")[0]):
        resolve(NORA, written)


def test_an_admin_sees_the_root() -> None:
    for path in ("/", "/a.csv", "/u20417/a.csv", "/u20001", "/Inbox"):
        assert resolve(ADMIN, path) == shown(ADMIN, path) == path
    assert shown(NORA, "/u20417") == "/"
    assert shown(NORA, "/u20417/reports/a.csv") == "/reports/a.csv"


def test_the_parts_of_a_path() -> None:
    assert folders_above("/a/b/c.csv") == ["/a", "/a/b"]
    assert folders_above("/c.csv") == folders_above("/") == []
    assert [parent_of(path) for path in ("/a/b", "/a", "/")] == ["/a", "/", "/"]
    assert [name_of(path) for path in ("/a/b", "/a", "/")] == ["b", "a", ""]


@given(PATHS)
def test_normalising_twice_changes_nothing_and_slashes_do_not_count(path: str) -> None:
    assert normalised(path) == path
    assert normalised(path.replace("/", "//") + "/") == path
    assert normalised(path.lstrip("/")) == path


@given(st.text(max_size=300))
def test_whatever_is_written_is_refused_or_stays_below_the_root(written: str) -> None:
    try:
        path = resolve(NORA, written)
    except (InvalidData, InsufficientAccess) as error:
        error.message.encode()
        return
    assert path == NORA.folder or path.startswith(NORA.folder + "/")
    for name in path.split("/")[1:]:
        check_name(name)


@given(PATHS)
def test_what_is_shown_leads_back_to_what_it_shows(path: str) -> None:
    below = normalised(NORA.folder + path)
    assert resolve(NORA, shown(NORA, below)) == below
    assert resolve(ADMIN, shown(ADMIN, path)) == path


@given(PATHS)
def test_parents_come_before_children_in_byte_order(path: str) -> None:
    assume(path != "/")
    line = [*folders_above(path), path]
    assert line == sorted(line, key=str.encode)
    assert [parent_of(each) for each in line] == ["/", *line[:-1]]
    assert parent_of(path).rstrip("/") + "/" + name_of(path) == path
