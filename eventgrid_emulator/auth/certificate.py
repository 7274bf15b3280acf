"""A certificate made at start, under an authority of its own that clients can trust."""

import ipaddress
import ssl
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FOR = timedelta(days=90)
NAMES = ("localhost", "127.0.0.1", "::1")

type Key = ec.EllipticCurvePrivateKey


def server_context(ca_file: Path, hosts: Sequence[str], now: float) -> ssl.SSLContext:
    """Return a TLS 1.2+ server context; write its authority's certificate to `ca_file`."""
    start = datetime.fromtimestamp(now, UTC) - timedelta(minutes=5)
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = _authority(authority_key, start)
    certificate = _certificate(key, authority, authority_key, {*NAMES, *hosts}, start)
    ca_file.parent.mkdir(parents=True, exist_ok=True)
    ca_file.write_bytes(_public(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory() as folder:  # OpenSSL reads keys from files only
        path = Path(folder, "server.pem")
        path.touch(mode=0o600)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        path.write_bytes(private + _public(certificate) + _public(authority))
        context.load_cert_chain(path)
    return context


def _authority(key: Key, start: datetime) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _name("Local Event Grid emulator CA")
    return _sign(name, key, [constraints, usage, identifier], start, name, key)


def _certificate(
    key: Key, authority: x509.Certificate, signer: Key, hosts: set[str], start: datetime
) -> x509.Certificate:
    extensions = [
        x509.SubjectAlternativeName([_general_name(host) for host in sorted(hosts)]),
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
        x509.BasicConstraints(ca=False, path_length=None),
        x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
    ]
    name = _name("localhost")
    return _sign(name, key, extensions, start, authority.subject, signer)


def _sign(
    subject: x509.Name,
    key: Key,
    extensions: Sequence[x509.ExtensionType],
    start: datetime,
    issuer: x509.Name,
    signer: Key,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + VALID_FOR)
    )
    for extension in extensions:
        is_critical = isinstance(extension, x509.BasicConstraints | x509.KeyUsage)
        builder = builder.add_extension(extension, critical=is_critical)
    return builder.sign(signer, hashes.SHA256())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
