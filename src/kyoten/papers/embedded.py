"""What our own Word file carries unseen: whose form it is and the answers it was written with.

The part `customXml/item1.xml` holds the answers as JSON text and its SHA-256. The visible cells are what the
sender signs for, so a reader uses this only for what the paper does not show (row ids, columns that are not
printed) and to see what was changed by hand. Free text that is not printed never travels.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lxml import etree

from kyoten.rules.definition import Column, Field, Form

NAMESPACE = "urn:kyoten:answers:1"
_CLOSED = ("choice", "marks")


@dataclass(frozen=True)
class Embedded:
    """`definition` is the id of the programme, `form` the number of its form; `intact` = the digest fits."""

    definition: str
    form: str
    answers: dict[str, Any]
    intact: bool


def embed(definition_id: str, form: Form, answers: Mapping[str, Any]) -> bytes:
    """The XML part."""
    text = json.dumps(_travelling(form, answers), sort_keys=True)  # ASCII: no character can be lost
    root = etree.Element(f"{{{NAMESPACE}}}answers", nsmap={None: NAMESPACE})
    root.attrib.update({"definition": definition_id, "form": form.number, "sha256": _digest(text)})
    root.text = text
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))


def embedded(part: bytes) -> Embedded | None:
    """What the part says; None if it is not ours."""
    try:
        root = etree.fromstring(part, etree.XMLParser(resolve_entities=False, no_network=True))
        answers = json.loads(root.text or "")
    except (etree.XMLSyntaxError, ValueError):
        return None
    if root.tag != f"{{{NAMESPACE}}}answers" or not isinstance(answers, dict):
        return None
    intact = root.get("sha256") == _digest(root.text or "")
    return Embedded(root.get("definition", ""), root.get("form", ""), answers, intact)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _travelling(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field.id: _field(field, answers[field.id]) for field in form.fields() if field.id in answers and _travels(field)
    }


def _field(field: Field, value: Any) -> Any:
    if field.kind != "table":
        return value
    kept = {"row", *(column.id for column in field.columns if _travels(column))}
    return [{key: cell for key, cell in row.items() if key in kept} for row in value or ()]


def _travels(item: Field | Column) -> bool:
    return item.print or item.kind in _CLOSED
