"""The TLS settings of the server; apart from what makes certificates, which no web process has memory to spare for."""

import ssl


def server_context(chain: str) -> ssl.SSLContext:
    """TLS 1.2 or later and HTTP/1.1, with the certificate and key of this PEM file."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(chain)
    return context
