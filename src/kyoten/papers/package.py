"""The zip package Word and Excel files are (ISO/IEC 29500-2): parts, their types and how they refer to each other.

The same parts always give the same bytes: no clock goes in.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from posixpath import relpath
from xml.sax.saxutils import escape

from kyoten.rules.text import clean

DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OFFICE = "application/vnd.openxmlformats-officedocument"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


@dataclass(frozen=True)
class Part:
    """`source` is the part that refers to this one ("" = the package itself), `relation` the address of its meaning."""

    name: str
    content: bytes
    relation: str
    content_type: str = ""
    source: str = ""
    id: str = ""


def package(parts: Sequence[Part]) -> bytes:
    """The file."""
    files = {"[Content_Types].xml": _content_types(parts)}
    for source in dict.fromkeys(part.source for part in parts):
        folder, _, name = source.rpartition("/")
        path = f"{folder}/_rels/{name}.rels".lstrip("/")
        files[path] = _relations([part for part in parts if part.source == source], folder)
    files.update((part.name, part.content) for part in parts)
    return _zip(files)


def core_properties(title: str) -> Part:
    """The title of a file and its language, as Word and Excel show them."""
    content = (
        f'{DECLARATION}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{escape(clean(title))}</dc:title><dc:language>ja-JP</dc:language></cp:coreProperties>"
    )
    return Part(
        "docProps/core.xml",
        content.encode(),
        f"{_PACKAGE}/relationships/metadata/core-properties",
        "application/vnd.openxmlformats-package.core-properties+xml",
    )


def _content_types(parts: Iterable[Part]) -> bytes:
    types = "".join(
        f'<Override PartName="/{part.name}" ContentType="{part.content_type}"/>' for part in parts if part.content_type
    )
    return (
        f'{DECLARATION}<Types xmlns="{_PACKAGE}/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>'
    ).encode()


def _relations(parts: Iterable[Part], folder: str) -> bytes:
    items = "".join(
        f'<Relationship Id="{part.id or f"rId{number}"}" Type="{part.relation}"'
        f' Target="{relpath(part.name, folder or ".")}"/>'
        for number, part in enumerate(parts, start=1)
    )
    return f'{DECLARATION}<Relationships xmlns="{_PACKAGE}/relationships">{items}</Relationships>'.encode()


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=4)
    return buffer.getvalue()
