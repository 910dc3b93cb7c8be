"""Documents against a dict: versions, files and renditions are made and deleted, and each is what it was when it was made."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, precondition, rule, run_state_machine_as_test
from tests.fuzz.edge import Ask, Edge, Reply
from tests.fuzz.profiles import fuzzed

DOCUMENTS = "/api/v26.1/objects/documents"
BOUNDARY = "x" * 60
TYPES = ["viewable_rendition__v", "imported_rendition__c"]

files = st.sampled_from([b"", b"a", b"bc", b"\r\n--x", b"\xff\0", None])
numbers = st.sampled_from([(0, 1), (0, 2), (0, 3), (0, 1), (0, 2), (1, 0)])
places = st.sampled_from([None, None, (0, 1), (0, 2), (1, 0)])
rarely = st.sampled_from([False, False, False, False, True])
types = st.sampled_from([*TYPES, *TYPES, "other__c"])


class Version:
    """A version: its file, if it is no placeholder, and its renditions."""

    def __init__(self, file: bytes | None, renditions: dict[str, bytes]) -> None:
        self.file = file
        self.renditions = renditions


class Life(RuleBasedStateMachine):
    """``kept`` has the versions of each document by their numbers."""

    edge: Edge
    documents: Bundle[int] = Bundle("documents")

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[int, dict[tuple[int, int], Version]] = {}

    def send(self, method: str, path: str, file: bytes | None = None, **fields: str) -> Reply:
        parts = [(f'name="{name}"', value.encode()) for name, value in fields.items()]
        parts += [('name="file"; filename="a.txt"', file)] if file is not None else []
        body = b"".join(
            f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
            for head, value in parts
        )
        headers = [(b"content-type", f"multipart/form-data; boundary={BOUNDARY}".encode())]
        return self.edge.send(
            Ask(
                method,
                (DOCUMENTS + path).encode(),
                headers=headers if parts else [],
                body=[body + f"--{BOUNDARY}--\r\n".encode()] if parts else [],
            )
        )

    @precondition(lambda self: sum(map(bool, self.kept.values())) < 2)
    @rule(target=documents, file=files)
    def create(self, file: bytes | None) -> int:
        made: int = self.send("POST", "", file, name__v="A", type__v="General", lifecycle__v="General Lifecycle").json[
            "id"
        ]
        assert made not in self.kept
        self.kept[made] = {(0, 1): Version(file, {})}
        return made

    @rule(
        document=documents,
        draft=st.sampled_from(["latestContent", "latestContent", "uploadedContent", ""]),
        file=files,
    )
    def draft(self, document: int, draft: str, file: bytes | None) -> None:
        reply = self.send("POST", f"/{document}", file, createDraft=draft)
        versions = self.kept[document]
        latest = versions[max(versions, default=(0, 0))] if versions else None
        if draft != "latestContent" and file is None:
            assert reply.error == "PARAMETER_REQUIRED"
        elif latest is None:
            assert reply.error == "INVALID_DATA"
        elif not draft and latest.file is not None:
            assert reply.error == "OPERATION_NOT_ALLOWED"
        elif not draft:
            latest.file = file
        else:
            major, minor = max(versions)
            number = (reply.json["major_version_number__v"], reply.json["minor_version_number__v"])
            assert number == (major, minor + 1)
            fresh = Version(latest.file, dict(latest.renditions)) if draft == "latestContent" else Version(file, {})
            versions[number] = fresh

    @rule(
        document=documents,
        number=places,
        kind=types,
        file=files,
        method=st.sampled_from(["POST", "POST", "PUT", "DELETE"]),
    )
    def change_rendition(
        self, document: int, number: tuple[int, int] | None, kind: str, file: bytes | None, method: str
    ) -> None:
        reply = self.send(
            method, f"/{document}{self.place(number)}/renditions/{kind}", None if method == "DELETE" else file
        )
        versions = self.kept[document]
        version = versions.get(max(versions, default=(0, 0)) if number is None else number)
        if method != "DELETE" and file is None:
            assert reply.error == "PARAMETER_REQUIRED"
        elif version is None or kind not in TYPES or (kind in version.renditions) == (method == "POST"):
            assert reply.error == "INVALID_DATA"
        elif method == "DELETE":
            assert reply.error == ""
            del version.renditions[kind]
        else:
            assert reply.error == ""
            assert file is not None
            version.renditions[kind] = file

    @rule(document=documents, number=numbers, really=rarely)
    def delete_version(self, document: int, number: tuple[int, int], really: bool) -> None:
        if really:
            reply = self.send("DELETE", f"/{document}{self.place(number)}")
            assert reply.error == ("" if number in self.kept[document] else "INVALID_DATA")
            self.kept[document].pop(number, None)

    @rule(document=documents, really=rarely)
    def delete(self, document: int, really: bool) -> None:
        if really:
            reply = self.send("DELETE", f"/{document}")
            assert reply.error == ("" if self.kept[document] else "INVALID_DATA")
            self.kept[document].clear()

    @rule(document=documents)
    def look(self, document: int) -> None:
        self.compare(document)

    def teardown(self) -> None:
        for document in self.kept:
            self.compare(document)

    def compare(self, document: int) -> None:
        versions = self.kept[document]
        reply = self.send("GET", f"/{document}")
        if not versions:
            assert reply.error == "INVALID_DATA"
            return
        numbers = sorted(versions)
        assert [each["number"] for each in reply.json["versions"]] == [f"{major}.{minor}" for major, minor in numbers]
        shown = reply.json["document"]
        assert (shown["major_version_number__v"], shown["minor_version_number__v"]) == numbers[-1]
        for number, version in versions.items():
            place = f"/{document}{self.place(number)}"
            self.holds(self.send("GET", f"{place}/file"), version.file)
            listed: dict[str, Any] = self.send("GET", f"{place}/renditions").json["renditions"]
            assert set(listed) == set(version.renditions)
            for kind in TYPES:
                self.holds(self.send("GET", f"{place}/renditions/{kind}"), version.renditions.get(kind))

    def holds(self, reply: Reply, content: bytes | None) -> None:
        if content is None:
            assert reply.error == "INVALID_DATA"
        else:
            assert (reply.media, reply.content) == ("application/octet-stream", content)

    def place(self, number: tuple[int, int] | None) -> str:
        return "" if number is None else f"/versions/{number[0]}/{number[1]}"


def test_documents_are_those_of_a_dict(edge: Edge) -> None:
    machine = type("LifeOfThisTest", (Life,), {"edge": edge})
    run_state_machine_as_test(machine, settings=fuzzed(10, share=10))
