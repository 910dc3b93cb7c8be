"""Requests that must be refused: how they are sent, what the replies are like, and that nothing has changed."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

import httpx
from sqlalchemy import text
from tests.services.documents import document, file_of
from tests.services.schedules import define, register

from strongroom.api.declaration import Endpoint
from strongroom.domain.page import Window
from strongroom.domain.webhook import NewWebhook
from strongroom.services import documents, queues, webhooks
from strongroom.vault import Vault

V = "/api/v26.1"
JSON, XML = "application/json", "application/xml"
VIEWABLE = "viewable_rendition__v"
PARAMETER = re.compile(r"\{([^}:]+)(:rest)?\}")

# What a call may write although it is refused: when a session was used, who has failed to log in, who has polled.
_BESIDE = {"sessions", "login_failures", "job_polls"}
# The bytes of a file that came whole with a request that is wrong elsewhere: no row names them, the sweep takes them.
_BYTES = {"contents", "content_blobs", "blobs"}


@dataclass(frozen=True)
class Bad:
    """A bad request: the type of its error, and what the message shows of it. ``stores``: its file came whole."""

    name: str
    method: str
    path: str
    type: str
    shows: str
    content: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stores: bool = False


@dataclass(frozen=True)
class Furnished:
    """What lies in a Vault that has something to lose: values for the parameters of paths."""

    values: Mapping[str, str]

    def path(self, endpoint: Endpoint, version: str = "v26.1", **other: str) -> str:
        """The path of a call, with what is there as its parameters, or with other (encoded) values."""
        declared = endpoint.declaration
        place = f"/api/{version}" if declared.versioned else "/api"
        return place + PARAMETER.sub(lambda found: other.get(found[1], self.values[found[1]]), declared.path)


async def furnish(vault: Vault, http: httpx.AsyncClient) -> Furnished:
    """Put a document of two versions with a rendition, a staged file and a waiting job into a Vault."""
    made = await document(vault, "Cleaning SOP", b"source", "sop.docx", external_id__v="SOP-1")
    await documents.add_version(vault, made, draft="latestContent")
    await documents.add_rendition(vault, made, VIEWABLE, await file_of(vault, b"%PDF", "sop.pdf"))
    form = {"kind": "file", "path": "/kept/a.txt"}
    staged = await http.post(f"{V}/services/file_staging/items", data=form, files={"file": ("a.txt", b"kept")})
    assert staged.json()["responseStatus"] == "SUCCESS"
    await register(vault, "nightly_audit__c")
    definition = await define(vault, kind="nightly_audit__c")
    # Nobody delivers here: what waits for it is never sent.
    webhook = await webhooks.create(vault, NewWebhook("https://8.8.8.8/", "a-secret-between-two"))
    job = await http.post(f"{V}/objects/documents/batch/actions/fileextract", json=[{"id": made}])
    (delivery,) = (await webhooks.deliveries(vault, webhook.id, Window())).rows
    queue = await queues.create(vault, "nightly_jobs__c")
    return Furnished(
        {
            "id": str(made),
            "major_version": "0",
            "minor_version": "2",
            "rendition_type": VIEWABLE,
            "item": "kept/a.txt",
            "job_id": job.json()["job_id"],
            "name": definition.kind,
            "definition_id": str(definition.id),
            "queue_name": queue.name,
            "webhook_id": str(webhook.id),
            "delivery_id": str(delivery.id),
            "type": "general__c",
            "subtype": "report__c",
            "classification": "none__x",
        }
    )


async def faults(
    http: httpx.AsyncClient, vault: Vault, cases: Iterable[Bad], formats: Sequence[str] = (JSON, XML)
) -> list[str]:
    """Send each request, once for each format; gives what is wrong with the replies, and what has changed."""
    found: list[str] = []
    before: dict[bool, dict[str, str]] = {}
    for case in cases:
        if case.stores not in before:
            before = {case.stores: await _digest(vault, stores=case.stores)}
        for accept in formats:
            reply = await _send(http, case, accept)
            found += [f"{case.name}, {accept}: {fault}" for fault in _faults_of(reply, case, accept)]
        after = await _digest(vault, stores=case.stores)
        found += [
            f"{case.name} has changed {table}" for table in after if before[case.stores].get(table) != after[table]
        ]
        before = {case.stores: after}
    return found


async def _send(http: httpx.AsyncClient, case: Bad, accept: str) -> httpx.Response:
    """Send a request whose path is not tidied up by the client."""
    url = http.base_url.copy_with(raw_path=case.path.encode())
    return await http.request(case.method, url, content=case.content, headers={**case.headers, "Accept": accept})


async def _digest(vault: Vault, *, stores: bool) -> dict[str, str]:
    """All rows of each table in short, and the files of the blob store."""
    uncounted = _BESIDE | (_BYTES if stores else set())
    async with vault.database.reading() as connection:
        tables = await connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
        whole = " UNION ALL ".join(
            f"SELECT '{table}', count(*) || md5(coalesce(string_agg(t::text, ' ' ORDER BY t::text), '')) FROM {table} t"
            for table in tables
            if table not in uncounted
        )
        known = {row[0]: row[1] for row in await connection.execute(text(whole))}
    if not stores:
        known["the blob store"] = str(sorted(_files(vault.settings.data_dir)))
    return known


def _files(data_dir: Path) -> list[Path]:
    return [file for file in data_dir.rglob("*") if file.is_file() and "blobs" in file.parts]


def _faults_of(reply: httpx.Response, case: Bad, accept: str) -> list[str]:
    status = 404 if case.type == "MALFORMED_URL" else 200
    found = []
    if reply.status_code != status:
        found.append(f"HTTP {reply.status_code}")
    if reply.headers["content-type"] != f"{accept};charset=UTF-8":
        return [*found, f"content type {reply.headers['content-type']}: {reply.text[:100]}"]
    if reply.headers["x-vaultapi-status"] != "FAILURE":
        found.append(f"X-VaultAPI-Status {reply.headers['x-vaultapi-status']}")
    kind, message = _error_of(reply, accept)
    if (kind, case.shows in message) != (case.type, True):
        found.append(f"{kind}: {message[:300]!r} instead of {case.type} with {case.shows[:60]!r}")
    return found


def _error_of(reply: httpx.Response, accept: str) -> tuple[str, str]:
    if accept == JSON:
        body = json.loads(reply.content)
        if set(body) - {"errorType"} != {"responseStatus", "errors"}:
            return "no error", str(body)
        return body["errors"][0]["type"], body["errors"][0]["message"]
    root = ET.fromstring(reply.content)
    if [child.tag for child in root][:2] != ["responseStatus", "errors"]:
        return "no error", reply.text
    return root.findtext("errors/error/type", ""), root.findtext("errors/error/message", "")
