"""XML signatures of alerts (XML-DSig, enveloped): a node's own key, and certificates pinned for feeds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from bongsu.cap import CERTIFICATE_FILE, KEY_FILE
from bongsu.errors import invalid_param
from bongsu.files import write_whole

_YEARS = 10


class CapKey:
    """A node's key for alerts in XML. It proves the site that answered, and not the officer."""

    def __init__(self, private: Any, certificate: bytes) -> None:
        self._private = private
        self.certificate = certificate

    @classmethod
    def open(cls, folder: Path, server_name: str) -> "CapKey":
        """The key in the data directory; made at the first start."""
        key_file, certificate_file = folder / KEY_FILE, folder / CERTIFICATE_FILE
        if not certificate_file.exists():
            private, certificate = _make(server_name)
            write_whole(key_file, private)
            write_whole(certificate_file, certificate)
        private_key = load_pem_private_key(key_file.read_bytes(), None)
        return cls(private_key, certificate_file.read_bytes())

    def sign(self, root: Any) -> bytes:
        """The document with an enveloped signature."""
        from lxml import etree
        from signxml.algorithms import SignatureConstructionMethod
        from signxml.signer import XMLSigner

        signer = XMLSigner(method=SignatureConstructionMethod.enveloped, signature_algorithm="ecdsa-sha256")
        signed = signer.sign(root, key=self._private, cert=self.certificate.decode())
        raw: bytes = etree.tostring(signed, xml_declaration=True, encoding="UTF-8")
        return raw


def verified(root: Any, certificate: str) -> Any:
    """The element that the holder of a pinned certificate signed: read this one, not the document.

    Raises:
        MatrixError: it is not signed by them.
    """
    from lxml import etree
    from signxml.exceptions import InvalidInput, SignXMLException
    from signxml.verifier import XMLVerifier

    try:
        found = XMLVerifier().verify(root, x509_cert=certificate)
    except (SignXMLException, InvalidInput, ValueError, TypeError, etree.LxmlError) as error:
        raise invalid_param(
            "The alert is not signed by the certificate that is pinned for its feed. "
            "Nothing of it was believed."
        ) from error
    element = found.signed_xml if not isinstance(found, list) else None
    if element is None or element.tag != root.tag:
        raise invalid_param(
            "The signature covers something other than the alert. Nothing of it was believed."
        )
    return element


def check_certificate(text: str) -> str:
    """A certificate to pin, as PEM.

    Raises:
        MatrixError: it is none.
    """
    try:
        return x509.load_pem_x509_certificate(text.encode()).public_bytes(Encoding.PEM).decode()
    except ValueError:
        raise invalid_param("The certificate must be one X.509 certificate in PEM.") from None


def _make(server_name: str) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, server_name[:64])])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=366 * _YEARS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, certificate.public_bytes(Encoding.PEM)
