"""Whatever is sent, the reply is an envelope, no server error and no hang; and a refusal has changed nothing."""

from hypothesis import given
from tests.fuzz.edge import Ask, Edge, Headers
from tests.fuzz.profiles import fuzzed
from tests.fuzz.wild_bodies import bodies
from tests.fuzz.wild_paths import calls, headers, queries


@given(call=calls(), query=queries, others=headers, body=bodies())
@fuzzed(250)
def test_any_request_gets_an_envelope(
    edge: Edge, call: tuple[str, bytes], query: bytes, others: Headers, body: tuple[str, list[bytes]]
) -> None:
    method, path = call
    if path.rstrip(b"/").endswith(b"/session"):
        return  # it ends the session that the other examples need
    media, pieces = body
    sent = [(b"content-type", media.encode("latin-1")), *others] if media else [*others]
    before = edge.digest()
    reply = edge.send(Ask(method, path, query, sent, pieces))
    if reply.headers["x-vaultapi-status"] == "FAILURE" or method == "GET":
        assert edge.digest() == before, reply.content[:500]


@given(call=calls(), query=queries, others=headers, body=bodies())
@fuzzed(40)
def test_without_a_session_nothing_is_read_or_changed(
    edge: Edge, call: tuple[str, bytes], query: bytes, others: Headers, body: tuple[str, list[bytes]]
) -> None:
    before = edge.digest()
    sent = [(b"content-type", body[0].encode("latin-1")), *others]
    reply = edge.send(Ask(*call, query, sent, body[1]), session=False)
    if reply.headers["x-vaultapi-status"] == "SUCCESS":
        assert any(key in reply.content for key in (b"v26.1", b"openapi", b"sessionId")), reply.content[:500]
        assert b"data" not in reply.content or b"openapi" in reply.content
    assert edge.digest() == before
