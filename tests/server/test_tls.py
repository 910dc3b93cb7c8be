"""The certificate authority and the server's certificate, with real handshakes of strict clients."""

import socket
import ssl
import stat
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which

import pytest
import trustme
from cryptography import x509

from strongroom.config import CannotRun
from strongroom.server import tls, tls_context


def read(chain: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(chain.read_bytes())


@contextmanager
def answering(chain: Path) -> Iterator[int]:
    """A server that answers one handshake after another."""
    context = tls_context.server_context(str(chain))
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    try:
                        context.wrap_socket(connection, server_side=True).close()
                    except OSError:
                        continue

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def greet(port: int, authority: Path, name: str, context: ssl.SSLContext | None = None) -> ssl.SSLSocket:
    context = context or ssl.create_default_context(cafile=authority)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN  # what Python 3.13 asks for
    connection = socket.create_connection(("127.0.0.1", port))
    try:
        return context.wrap_socket(connection, server_hostname=name)
    except BaseException:
        connection.close()
        raise


@pytest.mark.parametrize(
    "name", ["localhost", "127.0.0.1", "::1", "vault.example.com", "10.1.2.3", "fd00::1", "a.wild.test"]
)
def test_strict_clients_accept_every_name(tmp_path: Path, name: str) -> None:
    made = tls.certificate(tmp_path, ("vault.example.com", "10.1.2.3", "fd00:0::1", "*.wild.test"))
    with answering(made.chain) as port, greet(port, made.authority, name) as connection:
        assert connection.version() in {"TLSv1.2", "TLSv1.3"}


def test_another_name_is_refused(tmp_path: Path) -> None:
    made = tls.certificate(tmp_path, ())
    with answering(made.chain) as port, pytest.raises(ssl.SSLCertVerificationError, match=r"vault\.example\.com"):
        greet(port, made.authority, "vault.example.com")


def test_protocols(tmp_path: Path) -> None:
    made = tls.certificate(tmp_path, ())
    asks = ssl.create_default_context(cafile=made.authority)
    asks.set_alpn_protocols(["h2", "http/1.1"])
    with answering(made.chain) as port, greet(port, made.authority, "localhost", asks) as connection:
        assert connection.selected_alpn_protocol() == "http/1.1"
    assert tls_context.server_context(str(made.chain)).minimum_version == ssl.TLSVersion.TLSv1_2


def test_the_authority_is_made_once_and_its_key_is_closed(tmp_path: Path) -> None:
    authority = tls.certificate_authority(tmp_path)
    before = authority.read_bytes()
    made = tls.certificate(tmp_path, ("other.example.com",))
    assert tls.certificate_authority(tmp_path).read_bytes() == before
    assert stat.S_IMODE((tmp_path / "tls" / "ca-key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(made.chain.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "tls").stat().st_mode) == 0o700


def test_the_certificate_lives_397_days_and_is_kept(tmp_path: Path) -> None:
    chain = tls.certificate(tmp_path, ("a.example.com",)).chain
    leaf = read(chain)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc == timedelta(days=397)
    assert leaf.not_valid_before_utc < datetime.now(UTC)
    before = chain.read_bytes()
    tls.certificate(tmp_path, ("A.example.com", "localhost"))
    assert chain.read_bytes() == before


def test_other_names_make_a_new_certificate(tmp_path: Path) -> None:
    before = tls.certificate(tmp_path, ("a.example.com",)).chain.read_bytes()
    assert tls.certificate(tmp_path, ("b.example.com",)).chain.read_bytes() != before


@pytest.mark.parametrize(("left", "renewed"), [(timedelta(days=29), True), (timedelta(days=31), False)])
def test_it_is_renewed_30_days_before_its_end(tmp_path: Path, left: timedelta, renewed: bool) -> None:
    tls.certificate_authority(tmp_path)
    folder, chain = tmp_path / "tls", tmp_path / "tls" / "server.pem"
    authority = trustme.CA.from_pem((folder / "ca.pem").read_bytes(), (folder / "ca-key.pem").read_bytes())
    old = authority.issue_cert(*tls.ALWAYS, not_after=datetime.now(UTC) + left)
    chain.write_bytes(old.private_key_and_cert_chain_pem.bytes())
    before = read(chain).serial_number
    assert (read(tls.certificate(tmp_path, ()).chain).serial_number != before) is renewed


@pytest.mark.parametrize("content", [b"", b"no certificate"])
def test_a_damaged_certificate_is_replaced(tmp_path: Path, content: bytes) -> None:
    made = tls.certificate(tmp_path, ())
    made.chain.write_bytes(content)
    tls.certificate(tmp_path, ())
    with answering(made.chain) as port:
        greet(port, made.authority, "localhost").close()


@pytest.mark.parametrize("lost", ["ca.pem", "ca-key.pem"])
def test_half_an_authority_is_never_replaced(tmp_path: Path, lost: str) -> None:
    tls.certificate_authority(tmp_path)
    (tmp_path / "tls" / lost).unlink()
    with pytest.raises(CannotRun, match="belong together"):
        tls.certificate(tmp_path, ())
    assert not (tmp_path / "tls" / lost).exists()


def test_a_key_of_another_authority_is_refused(tmp_path: Path) -> None:
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        tls.certificate_authority(tmp_path / place)
    (tmp_path / "two" / "tls" / "ca-key.pem").replace(tmp_path / "one" / "tls" / "ca-key.pem")
    with pytest.raises(CannotRun, match="damaged"):
        tls.certificate(tmp_path / "one", ())


@pytest.mark.skipif(which("keytool") is None, reason="no JVM here")
def test_a_jvm_reads_the_exported_trust_store(tmp_path: Path) -> None:
    pem, store = tls.export(tmp_path, tmp_path / "out")
    assert pem.read_bytes() == tls.certificate_authority(tmp_path).read_bytes()
    command = ["keytool", "-list", "-keystore", str(store), "-storepass", tls.TRUST_STORE_PASSWORD]
    listed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "trustedCertEntry" in listed
    assert "1 entry" in listed


@pytest.mark.skipif(which("openssl") is None, reason="no openssl here")
def test_openssl_verifies_the_chain_strictly(tmp_path: Path) -> None:
    made = tls.certificate(tmp_path, ())
    command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(made.authority)]
    checked = subprocess.run([*command, str(made.chain)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
