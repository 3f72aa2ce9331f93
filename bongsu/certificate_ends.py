"""How long the certificates of a node still count."""

from pathlib import Path

from cryptography import x509

DAY_MS = 24 * 3_600_000
# A hub has to outlive a month without a core, so a certificate is renewed long before its end.
DAYS_WARNED = 30
DAYS_SERIOUS = 7


def tls_end_ms(folder: Path) -> int:
    """When the certificate in a directory of settings `tls` or `peer_tls` ends, in ms since 1970.

    Raises:
        ValueError, OSError: it cannot be read.
    """
    certificate = x509.load_pem_x509_certificate((folder / "certificate.pem").read_bytes())
    return int(certificate.not_valid_after_utc.timestamp() * 1000)


def days_left(end_ms: int, now_ms: int) -> float:
    """Days until then; below 0 when it has passed."""
    return (end_ms - now_ms) / DAY_MS
