"""Reading XML that anybody may have written: no document type, no entities, no network, bounded."""

import functools
from importlib import resources
from typing import Any

from lxml import etree

from bongsu import limits
from bongsu.errors import invalid_param, too_large

CAP = "urn:oasis:names:tc:emergency:cap:1.2"
ATOM = "http://www.w3.org/2005/Atom"
DSIG = "http://www.w3.org/2000/09/xmldsig#"


def parse(raw: bytes) -> Any:
    """The root element of a document.

    Raises:
        MatrixError: it is none, is too large, or has a document type, which no alert and no feed needs.
    """
    if len(raw) > limits.CAP_BYTES_MAX:
        raise too_large(f"The document is larger than {limits.CAP_BYTES_MAX} bytes. Nothing of it was read.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise invalid_param("The document is not UTF-8. Nothing of it was read.") from None
    # Before any parser sees it: what a document type declares (entities, other files) is how XML attacks.
    if "<!doctype" in text.lower() or "<!entity" in text.lower():
        raise invalid_param("The document has a document type or entities. Nothing of it was read.")
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise invalid_param(f"The document is not XML: {error.msg}.") from None
    if root is None or root.getroottree().docinfo.doctype:
        raise invalid_param("The document has a document type. Nothing of it was read.")
    return root


@functools.cache
def _schema() -> Any:
    raw = resources.files("bongsu.cap").joinpath("cap12.xsd").read_bytes()
    return etree.XMLSchema(etree.fromstring(raw))


def check_schema(root: Any) -> None:
    """Hold an alert to CAP's schema.

    Raises:
        MatrixError: with the first thing that is wrong.
    """
    schema = _schema()
    if not schema.validate(root):
        error = schema.error_log[0]
        raise invalid_param(f"This is no CAP 1.2 alert: line {error.line}: {error.message}"[:500])
