"""File staging against a dict: an admin and a user make folders and files in one tree, each with paths of their own."""

from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from tests.fuzz.edge import Ask, Edge
from tests.fuzz.profiles import fuzzed

from strongroom.services import users
from strongroom.services.users import NewUser

ITEMS = "/services/file_staging/items"
BOUNDARY = b"x" * 60
PASSWORD = "a long enough one"
NAMES = [
    "a",
    "b",
    "A",
    "a b",
    "\u00e9",
    "e\u0301",
    "content",
    "u1",
    "0",
    "%41",
    "a.txt",
    "+",
    "a\\b",
    "a-",
    "a0",
    "\U0001f600",
    "...",
]

paths = st.lists(st.sampled_from(NAMES), min_size=1, max_size=4).map(tuple)
actors = st.sampled_from(["admin", "user"])
slashes = st.sampled_from(["/", "/", "//"])


class Tree(RuleBasedStateMachine):
    """``items`` holds bytes for a file and None for a folder, by the names below the folder of this run."""

    edge: Edge
    sessions: Mapping[str, str]
    user_id: int
    numbers: Iterator[int]

    def __init__(self) -> None:
        super().__init__()
        top = f"run{next(self.numbers)}"
        self.tops = {"admin": f"/u{self.user_id}/{top}", "user": f"/{top}"}
        self.items: dict[tuple[str, ...], bytes | None] = {(): None}
        assert self.create("user", (), "/", kind="folder") == ""

    def spelled(self, actor: str, path: tuple[str, ...], slash: str = "/") -> str:
        return slash.join([self.tops[actor], *path])

    def send(self, actor: str, method: str, path: str, **more: Any) -> Any:
        self.edge.session = self.sessions[actor]
        return self.edge.send(Ask(method, f"/api/v26.1{ITEMS}{path}".encode(), **more))

    def create(self, actor: str, path: tuple[str, ...], slash: str, **fields: str) -> str:
        content = fields.pop("content", None)
        fields["path"] = self.spelled(actor, path, slash)
        parts = [(f'name="{name}"', value.encode()) for name, value in fields.items()]
        parts += [('name="file"; filename="x"', content.encode("latin-1"))] if content is not None else []
        body = b"".join(
            b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n" % (BOUNDARY, head.encode(), value)
            for head, value in parts
        )
        headers = [(b"content-type", b"multipart/form-data; boundary=" + BOUNDARY)]
        reply = self.send(actor, "POST", "", headers=headers, body=[body + b"--%s--\r\n" % BOUNDARY])
        if not reply.error:
            assert reply.json["data"]["path"] == self.spelled(actor, path)
        return str(reply.error)

    def blocked(self, path: tuple[str, ...]) -> bool:
        return any(self.items.get(path[:depth]) is not None for depth in range(len(path)))

    def put(self, path: tuple[str, ...], content: bytes | None) -> None:
        self.items |= {path[:depth]: None for depth in range(len(path))} | {path: content}

    @rule(actor=actors, path=paths, slash=slashes)
    def make_folder(self, actor: str, path: tuple[str, ...], slash: str) -> None:
        expected = "INVALID_DATA" if self.blocked(path) else "ITEM_NAME_EXISTS" if path in self.items else ""
        assert self.create(actor, path, slash, kind="folder") == expected
        if not expected:
            self.put(path, None)

    @rule(
        actor=actors,
        path=paths,
        slash=slashes,
        content=st.binary(max_size=20),
        overwrite=st.sampled_from(["", "true", "True", "false"]),
    )
    def upload(self, actor: str, path: tuple[str, ...], slash: str, content: bytes, overwrite: str) -> None:
        may = overwrite.lower() == "true"
        expected = ""
        if self.blocked(path) or (path in self.items and self.items[path] is None and may):
            expected = "INVALID_DATA"
        elif path in self.items and not may:
            expected = "ITEM_NAME_EXISTS"
        found = self.create(actor, path, slash, kind="file", overwrite=overwrite, content=content.decode("latin-1"))
        assert found == expected
        if not expected:
            self.put(path, content)

    @rule(actor=actors, path=paths, slash=slashes)
    def download(self, actor: str, path: tuple[str, ...], slash: str) -> None:
        reply = self.send(actor, "GET", "/content" + quote(self.spelled(actor, path, slash)))
        if self.items.get(path) is None:
            assert reply.error == "INVALID_DATA"
        else:
            assert reply.content == self.items[path]

    @rule(
        actor=actors,
        path=st.one_of(st.just(()), paths),
        recursive=st.booleans(),
        limit=st.sampled_from([1, 2, 7, 1000]),
    )
    def look(self, actor: str, path: tuple[str, ...], recursive: bool, limit: int) -> None:
        query = urlencode({"recursive": str(recursive).lower(), "limit": limit})
        reply = self.send(actor, "GET", quote(self.spelled(actor, path)), query=query.encode())
        if path not in self.items:
            assert reply.error == "INVALID_DATA"
            return
        found = [*reply.json["data"]]
        while following := reply.json.get("responseDetails", {}).get("next_page"):
            assert len(reply.json["data"]) == limit
            parts = urlsplit(following)
            assert dict(parse_qsl(parts.query))["limit"] == str(limit)
            reply = self.send(actor, "GET", parts.path.partition(ITEMS)[2], query=parts.query.encode())
            found += reply.json["data"]
        assert [(each["path"], each["kind"], each.get("size")) for each in found] == self.listing(
            actor, path, recursive=recursive
        )

    def listing(self, actor: str, path: tuple[str, ...], *, recursive: bool) -> list[tuple[str, str, int | None]]:
        below = [each for each in self.items if each[: len(path)] == path and len(each) > len(path)]
        wanted = (
            [path]
            if self.items[path] is not None
            else [each for each in below if recursive or len(each) == len(path) + 1]
        )
        spelled = {self.spelled(actor, each): self.items[each] for each in wanted}
        ordered = sorted(spelled, key=str.encode)
        return [
            (each, "folder", None) if (content := spelled[each]) is None else (each, "file", len(content))
            for each in ordered
        ]

    def teardown(self) -> None:
        self.look("admin", (), recursive=True, limit=7)
        self.look("user", (), recursive=True, limit=1000)


def test_the_tree_is_that_of_a_dict(edge: Edge) -> None:
    new = NewUser(name="nora@acme.example", first_name="N", last_name="L", email="n@acme.example", password=PASSWORD)
    user_id = edge.portal.call(users.create, edge.vault, new)
    form = urlencode({"username": new.name, "password": PASSWORD}).encode()
    session: str = edge.send(Ask("POST", b"/api/v26.1/auth", body=[form])).json["sessionId"]
    sessions = {"admin": edge.session, "user": session}
    given = {"edge": edge, "sessions": sessions, "user_id": user_id, "numbers": count()}
    run_state_machine_as_test(type("TreeOfThisTest", (Tree,), given), settings=fuzzed(8, share=10))
