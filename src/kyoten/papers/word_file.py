"""A Word file around its text: the package (ISO/IEC 29500-2), styles and settings.

The same paper always gives the same bytes, and there is never a macro in it.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from lxml import etree

from kyoten.papers.word import GOTHIC, MINCHO, NAMESPACES, Element, W, element, paragraph, run, twips
from kyoten.rules.text import clean

R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"



@dataclass(frozen=True)
class WordFile:
    """`header` stands small above every page; `data` is an XML part that travels with the file, unseen."""

    title: str
    body: Sequence[Element]
    header: str = ""
    data: bytes = b""


def package(file: WordFile) -> bytes:
    """The .docx."""
    parts = {
        "word/document.xml": _document(file),
        "word/styles.xml": _STYLES.encode(),
        "word/settings.xml": _SETTINGS.encode(),
        "docProps/core.xml": _core(file.title),
    }
    if file.header:
        parts["word/header1.xml"] = _xml(_root("hdr", [paragraph(run(file.header, size=8))]))
    if file.data:
        parts["customXml/item1.xml"] = file.data
        parts["customXml/itemProps1.xml"] = _ITEM_PROPERTIES.encode()
    return _zip({**_package_parts(parts), **parts})


def _root(name: str, children: Iterable[Element]) -> Element:
    root = etree.Element(f"{{{W}}}{name}", nsmap={**NAMESPACES, "r": R})
    root.extend(children)
    return root


def _document(file: WordFile) -> bytes:
    section = element("sectPr")
    if file.header:
        reference = element("headerReference", type="default")
        reference.set(f"{{{R}}}id", _relation("word/header1.xml"))
        section.append(reference)
    sides = {"top": twips(22), "right": twips(22), "bottom": twips(18), "left": twips(22)}
    section.append(element("pgSz", w=twips(210), h=twips(297)))
    section.append(element("pgMar", **sides, header=twips(10), footer=twips(8), gutter=0))
    return _xml(_root("document", [element("body", *file.body, section)]))


def _xml(root: Element) -> bytes:
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))


def _zip(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


# ---- the parts every Word file has --------------------------------------------------------------

_DECLARATION = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "application/vnd.openxmlformats-officedocument"
_CONTENT_TYPES = {
    "word/document.xml": f"{_OFFICE}.wordprocessingml.document.main+xml",
    "word/styles.xml": f"{_OFFICE}.wordprocessingml.styles+xml",
    "word/settings.xml": f"{_OFFICE}.wordprocessingml.settings+xml",
    "word/header1.xml": f"{_OFFICE}.wordprocessingml.header+xml",
    "docProps/core.xml": "application/vnd.openxmlformats-package.core-properties+xml",
    "customXml/itemProps1.xml": f"{_OFFICE}.customXmlProperties+xml",
}
_CORE_RELATION = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
# part -> (the part that refers to it, as what, the target seen from there)
_RELATIONS = {
    "word/document.xml": ("", f"{R}/officeDocument", "word/document.xml"),
    "docProps/core.xml": ("", _CORE_RELATION, "docProps/core.xml"),
    "word/styles.xml": ("word/document.xml", f"{R}/styles", "styles.xml"),
    "word/settings.xml": ("word/document.xml", f"{R}/settings", "settings.xml"),
    "word/header1.xml": ("word/document.xml", f"{R}/header", "header1.xml"),
    "customXml/item1.xml": ("word/document.xml", f"{R}/customXml", "../customXml/item1.xml"),
    "customXml/itemProps1.xml": ("customXml/item1.xml", f"{R}/customXmlProps", "itemProps1.xml"),
}


def _relation(part: str) -> str:
    return f"rId{list(_RELATIONS).index(part) + 1}"


def _package_parts(parts: Mapping[str, bytes]) -> dict[str, bytes]:
    made = {"[Content_Types].xml": _content_types(parts)}
    for source in dict.fromkeys(_RELATIONS[part][0] for part in parts):
        folder, _, name = source.rpartition("/")
        path = f"{folder}/_rels/{name}.rels".lstrip("/")
        made[path] = _relations(part for part in parts if _RELATIONS[part][0] == source)
    return made


def _content_types(parts: Iterable[str]) -> bytes:
    types = "".join(
        f'<Override PartName="/{part}" ContentType="{_CONTENT_TYPES[part]}"/>' for part in parts if part in _CONTENT_TYPES
    )
    return (
        f'{_DECLARATION}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>'
    ).encode()


def _relations(parts: Iterable[str]) -> bytes:
    items = "".join(
        f'<Relationship Id="{_relation(part)}" Type="{_RELATIONS[part][1]}" Target="{_RELATIONS[part][2]}"/>'
        for part in parts
    )
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'{_DECLARATION}<Relationships xmlns="{namespace}">{items}</Relationships>'.encode()


def _core(title: str) -> bytes:
    return (
        f"{_DECLARATION}<cp:coreProperties"
        ' xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f"<dc:title>{escape(clean(title))}</dc:title><dc:language>ja-JP</dc:language></cp:coreProperties>"
    ).encode()


_FONTS = f"<w:rFonts w:ascii={quoteattr(MINCHO)} w:eastAsia={quoteattr(MINCHO)} w:hAnsi={quoteattr(MINCHO)}/>"
_HEADING_FONTS = _FONTS.replace(MINCHO, GOTHIC)


def _heading_style(level: int, size: float, paragraph_properties: str) -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="Heading{level}"><w:name w:val="heading {level}"/>'
        '<w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:uiPriority w:val="9"/><w:qFormat/>'
        f'<w:pPr><w:keepNext/>{paragraph_properties}<w:outlineLvl w:val="{level - 1}"/></w:pPr>'
        f'<w:rPr>{_HEADING_FONTS}<w:sz w:val="{size * 2:.0f}"/><w:szCs w:val="{size * 2:.0f}"/></w:rPr></w:style>'
    )


_STYLES = (
    f'{_DECLARATION}<w:styles xmlns:w="{W}"><w:docDefaults><w:rPrDefault><w:rPr>{_FONTS}'
    '<w:sz w:val="21"/><w:szCs w:val="21"/><w:lang w:val="ja-JP" w:eastAsia="ja-JP" w:bidi="ar-SA"/></w:rPr></w:rPrDefault>'
    '<w:pPrDefault><w:pPr><w:autoSpaceDE w:val="0"/><w:autoSpaceDN w:val="0"/>'
    '<w:spacing w:before="0" w:after="0" w:line="325" w:lineRule="atLeast"/></w:pPr></w:pPrDefault></w:docDefaults>'
    '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>'
    + _heading_style(1, 14, '<w:spacing w:before="60" w:after="160"/><w:jc w:val="center"/>')
    + _heading_style(2, 10.5, '<w:spacing w:before="180" w:after="60"/>')
    + '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/>'
    '<w:uiPriority w:val="99"/><w:semiHidden/><w:unhideWhenUsed/></w:style></w:styles>'
)

_SETTINGS = (
    f'{_DECLARATION}<w:settings xmlns:w="{W}"><w:defaultTabStop w:val="840"/>'
    '<w:characterSpacingControl w:val="doNotCompress"/><w:compat><w:doNotExpandShiftReturn/>'
    '<w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/>'
    '</w:compat><w:themeFontLang w:val="en-US" w:eastAsia="ja-JP"/></w:settings>'
)

_ITEM_PROPERTIES = (
    f'{_DECLARATION}<ds:datastoreItem xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml"'
    ' ds:itemID="{7C9A5A0E-52B5-4C0B-9A53-0B6F3C2E7D41}"><ds:schemaRefs/></ds:datastoreItem>'
)
