import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.services.documents import content_of

from strongroom.domain.errors import InsufficientAccess, InvalidData, ItemNameExists
from strongroom.domain.staging import Extract
from strongroom.domain.user import User
from strongroom.services import file_staging
from strongroom.store.clock import Clock
from strongroom.vault import Vault

pytestmark = pytest.mark.anyio


def nora(vault: Vault) -> Vault:
    return vault.as_user(User(777, "nora@acme.example", "Nora", "Lind", "nora@acme.example"))


async def paths(vault: Vault, folder: str = "", *, recursive: bool = False) -> list[str]:
    return [item.path for item in (await file_staging.list_items(vault, folder, recursive=recursive)).items]


async def test_a_file_lies_where_it_was_put_with_the_folders_above_it(vault: Vault) -> None:
    content = await content_of(vault, b"a,b")
    item = await file_staging.create_file(vault, "u1//reports/a.csv", content)
    assert (item.path, item.name, item.size, item.kind) == ("/u1/reports/a.csv", "a.csv", 3, "file")
    assert item.modified_date is not None
    assert await paths(vault) == ["/u1"]
    assert await paths(vault, recursive=True) == ["/u1", "/u1/reports", "/u1/reports/a.csv"]
    assert await paths(vault, "/u1/reports/") == ["/u1/reports/a.csv"]
    assert await paths(vault, "/u1/reports/a.csv") == ["/u1/reports/a.csv"]
    assert (await file_staging.open_file(vault, "/u1/reports/a.csv")).content_id == content.id


async def test_a_user_sees_the_own_folder_as_the_root_and_no_other(vault: Vault) -> None:
    user = nora(vault)
    assert await paths(user) == []
    content = await content_of(vault, b"x")
    assert (await file_staging.create_file(user, "a.txt", content)).path == "/a.txt"
    assert (await file_staging.create_file(user, "/u777/b.txt", content)).path == "/b.txt"
    assert await paths(user) == ["/a.txt", "/b.txt"]
    assert await paths(vault, "/u777") == ["/u777/a.txt", "/u777/b.txt"]
    for path in ("/u1/a.txt", "u1"):
        with pytest.raises(InsufficientAccess, match="u1"):
            await file_staging.create_file(user, path, content)


async def test_names_are_taken_once_and_files_overwritten_on_request_only(vault: Vault) -> None:
    first, second = await content_of(vault, b"1"), await content_of(vault, b"22")
    await file_staging.create_file(vault, "/f", first)
    with pytest.raises(ItemNameExists):
        await file_staging.create_file(vault, "/f", second)
    with pytest.raises(ItemNameExists):
        await file_staging.create_folder(vault, "/f")
    await file_staging.create_file(vault, "/f", second, overwrite=True)
    assert (await file_staging.open_file(vault, "/f")).size == 2
    await file_staging.create_folder(vault, "/d/")
    with pytest.raises(ItemNameExists):
        await file_staging.create_folder(vault, "d")
    with pytest.raises(InvalidData, match="folder"):
        await file_staging.create_file(vault, "/d", second, overwrite=True)
    with pytest.raises(InvalidData, match="is a file"):
        await file_staging.create_file(vault, "/f/g", second)
    with pytest.raises(InvalidData, match="folder"):
        await file_staging.open_file(vault, "/d")


async def test_of_two_creations_at_once_one_wins(vault: Vault) -> None:
    content = await content_of(vault, b"x")
    results = await asyncio.gather(
        *(file_staging.create_file(vault, "/same/name", content) for _ in range(8)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["ItemNameExists"] * 7 + ["StagingItem"]


@pytest.mark.parametrize(
    "path", ["../x", "/a/../b", ".", "/a/./b", "/a\nb", "/a\x00b", "/" + "n" * 219, "/" + "ä" * 110, "/" + "d/" * 1200]
)
async def test_paths_that_are_refused(vault: Vault, path: str) -> None:
    with pytest.raises(InvalidData):
        await file_staging.create_folder(vault, path)
    assert await paths(vault, recursive=True) == []


async def test_missing_items_are_named(vault: Vault) -> None:
    with pytest.raises(InvalidData, match=r"\[/nowhere\]"):
        await file_staging.list_items(vault, "nowhere")
    with pytest.raises(InvalidData, match=r"\[/nowhere\]"):
        await file_staging.open_file(vault, "nowhere")


async def test_a_list_goes_on_from_its_cursor_for_30_minutes(vault: Vault) -> None:
    for number in range(5):
        await file_staging.create_folder(vault, f"/folder/{number}")
    seen, cursor = [], None
    while True:
        listing = await file_staging.list_items(vault, "/folder", limit=2, cursor=cursor)
        seen += [item.name for item in listing.items]
        if listing.cursor is None:
            break
        cursor = listing.cursor
    assert seen == ["0", "1", "2", "3", "4"]
    assert cursor is not None
    late = replace(vault, clock=Clock(timedelta(minutes=31)))
    with pytest.raises(InvalidData, match="expired"):
        await file_staging.list_items(late, cursor=cursor)
    for wrong in ("", "x", cursor[:-3], "!" + cursor):
        with pytest.raises(InvalidData, match="cursor"):
            await file_staging.list_items(vault, cursor=wrong)
    for name in ("secret", "other"):
        await file_staging.create_folder(vault, f"/u1/{name}")
    foreign = (await file_staging.list_items(vault, "/u1", limit=1)).cursor
    assert foreign is not None
    with pytest.raises(InsufficientAccess):
        await file_staging.list_items(nora(vault), cursor=foreign)


async def test_ten_thousand_extracts_are_written_at_once_and_again_without_harm(vault: Vault) -> None:
    content = await content_of(vault, b"same bytes")
    extracts = [Extract(f"/u777/5/{number}/0_1/file.txt", content.id, content.size) for number in range(10_000)]
    expires = vault.clock.now() + timedelta(hours=72)
    for _ in range(2):
        await file_staging.add_extracts(nora(vault), extracts, expires_date=expires)
    item = await file_staging.open_file(nora(vault), "/5/9999/0_1//file.txt")
    assert (item.content_id, item.size) == (content.id, 10)
    assert len(await paths(nora(vault), "/5/77", recursive=True)) == 2


async def test_an_extract_replaces_a_file_and_counts_once(vault: Vault) -> None:
    old, new = await content_of(vault, b"old"), await content_of(vault, b"newer")
    extracts = [Extract("/u777/5/a", old.id, old.size), Extract("/u777/5/a", new.id, new.size)]
    for each in (extracts[:1], extracts):
        await file_staging.add_extracts(vault, each, expires_date=vault.clock.now())
    assert (await file_staging.open_file(vault, "/u777/5/a")).size == 5


async def test_an_export_that_meets_a_folder_or_a_file_in_its_way_writes_nothing(vault: Vault) -> None:
    content = await content_of(vault, b"x")
    await file_staging.create_folder(vault, "/u777/5/a")
    await file_staging.create_file(vault, "/u777/6", content)
    before = await paths(vault, recursive=True)
    for path, problem in (("/u777/5/a", "is a folder"), ("/u777/6/a", "is a file")):
        with pytest.raises(InvalidData, match=problem):
            await file_staging.add_extracts(
                vault,
                [Extract("/u777/new", content.id, 1), Extract(path, content.id, 1)],
                expires_date=vault.clock.now(),
            )
    assert await paths(vault, recursive=True) == before


async def test_exports_of_one_folder_at_once_do_not_lock_each_other_out(vault: Vault) -> None:
    content = await content_of(vault, b"x")
    extracts = [Extract(f"/u777/5/{number}/f", content.id, 1) for number in range(300)]
    orders = (extracts, extracts[::-1], extracts[150:] + extracts[:150])
    await asyncio.gather(
        *(file_staging.add_extracts(vault, order, expires_date=vault.clock.now()) for order in orders * 3)
    )
    assert len(await paths(vault, "/u777/5", recursive=True)) == 600


async def test_of_two_folders_at_once_one_wins_and_both_share_the_way(vault: Vault) -> None:
    results = await asyncio.gather(
        *(file_staging.create_folder(vault, "/deep/way/end") for _ in range(8)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["ItemNameExists"] * 7 + ["StagingItem"]
    assert await paths(vault, recursive=True) == ["/deep", "/deep/way", "/deep/way/end"]


async def test_a_file_and_a_folder_that_want_one_place_do_not_both_get_it(vault: Vault) -> None:
    content = await content_of(vault, b"x")
    for number in range(10):
        results = await asyncio.gather(
            file_staging.create_file(vault, f"/p{number}", content),
            file_staging.create_file(vault, f"/p{number}/below", content),
            return_exceptions=True,
        )
        refused = [result for result in results if isinstance(result, Exception)]
        assert [type(error) for error in refused] in ([ItemNameExists], [InvalidData])


async def test_the_own_folder_is_there_before_anything_lies_in_it(vault: Vault) -> None:
    user = nora(vault)
    for path in ("", "/", "u777", "/u777/"):
        assert await paths(user, path) == []
        with pytest.raises(ItemNameExists):
            await file_staging.create_folder(user, path)
        with pytest.raises(InvalidData, match="folder"):
            await file_staging.create_file(user, path, await content_of(vault, b"x"))


async def test_folders_inside_the_own_that_are_called_like_a_users_are_spelled_out(vault: Vault) -> None:
    user = nora(vault)
    for name in ("u777", "u5"):
        await file_staging.create_folder(user, f"/u777/{name}")
    assert await paths(user) == ["/u777/u5", "/u777/u777"]
    for path in await paths(user):
        assert [item.path for item in (await file_staging.list_items(user, path)).items] == []
        assert (await file_staging.create_file(user, f"{path}/a", await content_of(vault, b""))).path == f"{path}/a"


async def test_an_empty_file_is_a_file(vault: Vault) -> None:
    item = await file_staging.create_file(vault, "/empty", await content_of(vault, b""))
    assert (item.size, item.kind) == (0, "file")
    assert (await file_staging.open_file(vault, "/empty")).size == 0
