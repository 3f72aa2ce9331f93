"""The key and certificate of a hub's address: its own key, a request, and what comes back. DESIGN 7."""

import datetime
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bongsu.files import write_whole

PEM = serialization.Encoding.PEM
# Fewer than the days below which every page warns: nobody trusts it, and it is to be replaced.
OWN_DAYS = 29
CHAIN_CHARACTERS_MAX = 65_536
CERTIFICATES_MAX = 8


class Unusable(Exception):
    """A request or a chain that cannot be used; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a hub asks a certificate for: its key, as public bytes, and names."""

    public: bytes
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """What a certificate with its issuers says of itself. Times in ms since 1970."""

    public: bytes
    names: tuple[str, ...]
    begins_ms: int
    ends_ms: int

    def is_due(self, now_ms: int) -> bool:
        """Whether a third of its life is over: a blackout then finds two thirds left (DESIGN 7)."""
        return now_ms >= self.begins_ms + (self.ends_ms - self.begins_ms) // 3


def prepare(folder: Path, host: str) -> None:
    """Make a key of this hub's own, and a certificate signed by itself until another comes."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / "key.pem").exists() and (folder / "certificate.pem").exists():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_name(host))
        .issuer_name(_name(host))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=OWN_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    write_whole(folder / "certificate.pem", certificate.public_bytes(PEM))
    write_whole(folder / "key.pem", secret)


def make_request(folder: Path, host: str) -> str:
    """A certificate signing request for the key in `folder`, in PEM."""
    key = serialization.load_pem_private_key((folder / "key.pem").read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "the key that `prepare` made"
    builder = x509.CertificateSigningRequestBuilder().subject_name(_name(host))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    return builder.sign(key, hashes.SHA256()).public_bytes(PEM).decode()


def read_request(text: object) -> Request:
    """What a request asks for.

    Raises:
        Unusable: it is none, or its key did not sign it.
    """
    try:
        found = x509.load_pem_x509_csr(_bounded(text))
        if not found.is_signature_valid:
            raise Unusable("the request is not signed by its own key")
        return Request(_public(found.public_key()), _names(found.extensions))
    except (ValueError, TypeError, InvalidSignature, x509.ExtensionNotFound) as error:
        raise Unusable(f"the request cannot be read ({error})") from error


def read_chain(text: object) -> Chain:
    """What a certificate says, the first of a chain in PEM.

    Raises:
        Unusable: it is none.
    """
    try:
        found = x509.load_pem_x509_certificates(_bounded(text))
        if len(found) > CERTIFICATES_MAX:
            raise Unusable("the chain has too many certificates")
        first = found[0]
        begins, ends = first.not_valid_before_utc, first.not_valid_after_utc
        names = _names(first.extensions)
        return Chain(
            _public(first.public_key()), names, *(int(1000 * at.timestamp()) for at in (begins, ends))
        )
    except (ValueError, TypeError, IndexError, x509.ExtensionNotFound) as error:
        raise Unusable(f"the certificate cannot be read ({error})") from error


def check_chain(chain: Chain, request: Request, now_ms: int) -> None:
    """Refuse a certificate that does not answer the request, or has ended.

    Raises:
        Unusable: the sentence says why.
    """
    if chain.public != request.public:
        raise Unusable("the certificate is for another key")
    if not set(request.names) <= set(chain.names):
        raise Unusable(f"the certificate is not for {', '.join(request.names)}")
    if chain.ends_ms <= now_ms:
        raise Unusable("the certificate has ended already")


def _bounded(text: object) -> bytes:
    if not isinstance(text, str) or len(text) > CHAIN_CHARACTERS_MAX:
        raise Unusable("it is no text of a usual length")
    return text.encode()


def _names(extensions: x509.Extensions) -> tuple[str, ...]:
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return tuple(sorted(names.get_values_for_type(x509.DNSName)))


def _public(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Unusable("its key is of another kind than a hub makes")
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _name(host: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host[:64])])
