"""A local certificate authority, the server's certificate under it, and what clients need to trust it."""

import fcntl
import ipaddress
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore

from strongroom.config import CannotRun
from strongroom.store import durable

FOLDER, CA, CA_KEY, LEAF = "tls", "ca.pem", "ca-key.pem", "server.pem"
TRUST_STORE, TRUST_STORE_PASSWORD = "ca.p12", "changeit"  # what every JVM expects; a CA is no secret
ALWAYS = ("localhost", "127.0.0.1", "::1")
LIFE = timedelta(days=397)  # browsers and Apple's systems refuse more than 398
RENEWAL = timedelta(days=30)
SKEW = timedelta(hours=1)  # clients whose clocks are a little behind


@dataclass(frozen=True)
class Certificate:
    """Where the server's certificate lies (one PEM file with its key, mode 0600), and the CA that signed it."""

    chain: Path
    authority: Path


def certificate_authority(data_dir: Path) -> Path:
    """Return the path of the CA's certificate; the CA is made the first time and never again."""
    with _folder(data_dir) as folder:
        _authority(folder)
        return folder / CA


def certificate(data_dir: Path, names: tuple[str, ...]) -> Certificate:
    """Return the server's certificate for localhost and ``names`` (host names and IP addresses).

    It is issued anew when it has less than 30 days left, when the names have changed, or when another CA signed it.
    """
    with _folder(data_dir) as folder:
        authority = _authority(folder)
        wanted = tuple(dict.fromkeys((*ALWAYS, *names)))
        leaf = folder / LEAF
        if not _is_good(leaf, authority, wanted):
            now = datetime.now(UTC)
            issued = authority.issue_cert(
                *wanted,
                organization_name="Strongroom",
                organization_unit_name="Server",
                not_before=now - SKEW,
                not_after=now - SKEW + LIFE,
            )
            durable.write_file(leaf, issued.private_key_and_cert_chain_pem.bytes())
        return Certificate(leaf, folder / CA)


def export(data_dir: Path, target: Path) -> tuple[Path, Path]:
    """Write the CA's certificate into ``target`` as PEM and as a trust store that a JVM reads (PKCS12)."""
    pem = certificate_authority(data_dir).read_bytes()
    target.mkdir(parents=True, exist_ok=True)
    entry = PKCS12Certificate(x509.load_pem_x509_certificate(pem), b"strongroom")
    store = serialize_java_truststore([entry], BestAvailableEncryption(TRUST_STORE_PASSWORD.encode()))
    (target / CA).write_bytes(pem)
    (target / TRUST_STORE).write_bytes(store)
    return target / CA, target / TRUST_STORE


@contextmanager
def _folder(data_dir: Path) -> Iterator[Path]:
    folder = data_dir / FOLDER
    try:
        durable.make_folder(folder, mode=0o700)
        # Two commands may come first at the same time; the kernel drops the lock when either dies.
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield folder
        finally:
            os.close(lock)
    except OSError as error:
        raise CannotRun(f"The certificates in {folder} cannot be used: {error.strerror}.") from error


def _authority(folder: Path) -> trustme.CA:
    certificate_file, key_file = folder / CA, folder / CA_KEY
    if not certificate_file.exists() and not key_file.exists():
        # trustme's own end date, the year 3000, is kept: a local CA that runs out breaks clients that nobody remembers.
        made = trustme.CA(organization_name="Strongroom", organization_unit_name="Local CA", path_length=0)
        durable.write_file(key_file, made.private_key_pem.bytes())
        durable.write_file(certificate_file, made.cert_pem.bytes(), mode=0o644)
        return made
    try:
        return _paired(certificate_file.read_bytes(), key_file.read_bytes())
    except (ValueError, FileNotFoundError) as error:
        raise CannotRun(
            f"The certificate authority in {folder} is damaged ({CA} and {CA_KEY} belong together): put both files "
            "back, or remove both to get a new one, which every client has to trust anew."
        ) from error


def _paired(certificate_pem: bytes, key_pem: bytes) -> trustme.CA:
    signer = x509.load_pem_x509_certificate(certificate_pem)
    if load_pem_private_key(key_pem, password=None).public_key() != signer.public_key():
        raise ValueError("the key is another's")
    return trustme.CA.from_pem(certificate_pem, key_pem)


def _is_good(leaf: Path, authority: trustme.CA, wanted: tuple[str, ...]) -> bool:
    try:
        pem = leaf.read_bytes()
        held = x509.load_pem_x509_certificate(pem)
        load_pem_private_key(pem, password=None)
        held.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.cert_pem.bytes()))
    except Exception:  # noqa: BLE001 - absent, unreadable, cut short, another CA's: each is cured by a new one
        return False
    names = held.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    written = {str(name.value).lower() for name in names}
    return written == {_as_written(name) for name in wanted} and held.not_valid_after_utc - datetime.now(UTC) > RENEWAL


def _as_written(name: str) -> str:
    return name.lower() if ":" not in name else str(ipaddress.ip_address(name))
