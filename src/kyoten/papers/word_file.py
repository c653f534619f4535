"""A Word file around its text: page, styles and settings. There is never a macro in it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from lxml import etree

from kyoten.papers.package import DECLARATION, OFFICE, RELATIONS, Part, core_properties, package
from kyoten.papers.word import GOTHIC, MINCHO, NAMESPACES, Element, W, element, paragraph, run, twips

_DOCUMENT = "word/document.xml"
_HEADER_ID = "rIdHeader"


@dataclass(frozen=True)
class WordFile:
    """`header` stands small above every page; `data` is an XML part that travels with the file, unseen.

    `size` of the characters and least height of a `line` are in points.
    """

    title: str
    body: Sequence[Element]
    header: str = ""
    data: bytes = b""
    size: float = 10.5
    line: float = 16.25


def word_file(file: WordFile) -> bytes:
    """The .docx."""
    parts = [
        Part(_DOCUMENT, _document(file), f"{RELATIONS}/officeDocument", f"{OFFICE}.wordprocessingml.document.main+xml"),
        core_properties(file.title),
        _word_part("styles", _styles(file).encode()),
        _word_part("settings", _SETTINGS.encode()),
    ]
    if file.header:
        content = _xml("hdr", [paragraph(run(file.header, size=8))])
        parts.append(_word_part("header", content, _HEADER_ID))
    if file.data:
        parts.extend(_data_parts(file.data))
    return package(parts)


def _word_part(name: str, content: bytes, id: str = "") -> Part:
    content_type = f"{OFFICE}.wordprocessingml.{name}+xml"
    return Part(f"word/{name}.xml", content, f"{RELATIONS}/{name}", content_type, _DOCUMENT, id)


def _data_parts(data: bytes) -> tuple[Part, Part]:
    item = Part("customXml/item1.xml", data, f"{RELATIONS}/customXml", source=_DOCUMENT)
    properties = Part(
        "customXml/itemProps1.xml",
        _ITEM_PROPERTIES.encode(),
        f"{RELATIONS}/customXmlProps",
        f"{OFFICE}.customXmlProperties+xml",
        item.name,
    )
    return item, properties


def _document(file: WordFile) -> bytes:
    section = element("sectPr")
    if file.header:
        reference = element("headerReference", type="default")
        reference.set(f"{{{RELATIONS}}}id", _HEADER_ID)
        section.append(reference)
    sides = {"top": twips(22), "right": twips(22), "bottom": twips(18), "left": twips(22)}
    section.append(element("pgSz", w=twips(210), h=twips(297)))
    section.append(element("pgMar", **sides, header=twips(10), footer=twips(8), gutter=0))
    return _xml("document", [element("body", *file.body, section)])


def _xml(name: str, children: Iterable[Element]) -> bytes:
    root = etree.Element(f"{{{W}}}{name}", nsmap={**NAMESPACES, "r": RELATIONS})
    root.extend(children)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True))


def _fonts(name: str) -> str:
    return f'<w:rFonts w:ascii="{name}" w:eastAsia="{name}" w:hAnsi="{name}"/>'


def _size(points: float) -> str:
    return f'<w:sz w:val="{points * 2:.0f}"/><w:szCs w:val="{points * 2:.0f}"/>'


def _style(style: str, name: str, font: str, size: float, properties: str) -> str:
    return (
        f'<w:style w:type="paragraph" w:styleId="{style}"><w:name w:val="{name}"/>'
        '<w:basedOn w:val="Normal"/><w:next w:val="Normal"/><w:qFormat/>'
        f"<w:pPr>{properties}</w:pPr><w:rPr>{_fonts(font)}{_size(size)}</w:rPr></w:style>"
    )


_CENTRED = '<w:spacing w:before="{before}" w:after="{after}"/><w:jc w:val="center"/>'
_HEADING_1 = f'<w:keepNext/>{_CENTRED.format(before=60, after=160)}<w:outlineLvl w:val="0"/>'
_HEADING_2 = '<w:keepNext/><w:spacing w:before="180" w:after="60"/><w:outlineLvl w:val="1"/>'


def _styles(file: WordFile) -> str:
    return (
        f'{DECLARATION}<w:styles xmlns:w="{W}"><w:docDefaults><w:rPrDefault><w:rPr>{_fonts(MINCHO)}{_size(file.size)}'
        '<w:lang w:val="ja-JP" w:eastAsia="ja-JP" w:bidi="ar-SA"/></w:rPr></w:rPrDefault>'
        '<w:pPrDefault><w:pPr><w:autoSpaceDE w:val="0"/><w:autoSpaceDN w:val="0"/>'
        f'<w:spacing w:before="0" w:after="0" w:line="{file.line * 20:.0f}" w:lineRule="atLeast"/></w:pPr></w:pPrDefault>'
        "</w:docDefaults>"
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/></w:style>'
        + _style("Title", "Title", MINCHO, 12, _CENTRED.format(before=480, after=360))
        + _style("Heading1", "heading 1", GOTHIC, 14, _HEADING_1)
        + _style("Heading2", "heading 2", GOTHIC, 10.5, _HEADING_2)
        + '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/>'
        '<w:uiPriority w:val="99"/><w:semiHidden/><w:unhideWhenUsed/></w:style></w:styles>'
    )


# doNotExpandShiftReturn: a line that ends with a line break is not stretched to the full width.
_SETTINGS = (
    f'{DECLARATION}<w:settings xmlns:w="{W}"><w:defaultTabStop w:val="840"/>'
    '<w:characterSpacingControl w:val="doNotCompress"/><w:compat><w:doNotExpandShiftReturn/>'
    '<w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/>'
    '</w:compat><w:themeFontLang w:val="en-US" w:eastAsia="ja-JP"/></w:settings>'
)

_ITEM_PROPERTIES = (
    f'{DECLARATION}<ds:datastoreItem xmlns:ds="http://schemas.openxmlformats.org/officeDocument/2006/customXml"'
    ' ds:itemID="{7C9A5A0E-52B5-4C0B-9A53-0B6F3C2E7D41}"><ds:schemaRefs/></ds:datastoreItem>'
)
