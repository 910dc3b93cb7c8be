"""HTTP as our web processes speak it: heads are bounded, and what the parser refuses is answered in the envelope."""

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from strongroom.api import envelope
from strongroom.domain.errors import InvalidData

HEAD_MAX = 64 * 1024
"""Bytes of a request's line and headers, at most. The parser itself would take any number of them."""


class EnvelopeProtocol(HttpToolsProtocol):
    """One connection."""

    _in_head: bool = False
    # Bytes of an unfinished head, but for those that came in one piece with what was before it.
    _head: int = 0

    def data_received(self, data: bytes) -> None:
        """Take bytes from the client."""
        went_on = self._in_head
        super().data_received(data)
        self._head = self._head + len(data) if went_on and self._in_head else 0
        if self._head > HEAD_MAX and not self.transport.is_closing():
            self.send_400_response(f"The request's headers have more than {HEAD_MAX} bytes.")

    def on_message_begin(self) -> None:
        """Note that a head begins."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the head is over."""
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no valid HTTP request, and end the connection."""
        body = msgspec.json.encode(envelope.failure(InvalidData(msg)))
        head = (
            b"HTTP/1.1 400 \r\n"
            b"content-type: application/json;charset=UTF-8\r\n"
            b"x-vaultapi-status: FAILURE\r\n"
            b"content-length: %d\r\n"
            b"connection: close\r\n\r\n" % len(body)
        )
        self.transport.write(head + body)
        self.transport.close()
