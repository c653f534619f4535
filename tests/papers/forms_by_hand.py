"""The official form 別紙2-② as somebody fills it in by hand in Word: builders for the reader's tests.

Made of raw WordprocessingML, because the point is what people and Word really leave in a file. All people,
numbers and addresses are made up.
"""

from __future__ import annotations

import io
import zipfile
from html import escape
from typing import Any

TITLE = "在宅医療の拠点整備・運用に向けた伴走支援 申込書"
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
NAMESPACES = (
    f'xmlns:w="{W}" xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
MEMBERS = (
    ("松戸市", "健康福祉部", "係長", "行政職員"),
    ("千葉県", "医療整備課", "主査", "行政職員"),
    ("松戸市医師会", "", "理事", "医師"),
)
OPTIONS = (
    "多職種協働による包括的かつ継続的な在宅医療の提供体制の構築",
    "在宅医療に関する人材育成",
    "在宅医療に関する地域住民への普及啓発",
    "災害時及び災害に備えた体制構築への支援",
    "その他",
)
EXPECTED: dict[str, Any] = {
    "prefecture": "千葉県",
    "area_kind": "1",
    "area_name": "東葛北部",
    "rep_organisation": "松戸市",
    "rep_section": "健康福祉部 在宅医療推進課",
    "rep_name": "髙﨑 𠮷子",
    "rep_title": "課長",
    "rep_address": {"postal": "271-0000", "text": "千葉県松戸市見本町1-2-3"},
    "rep_phone": "047-000-0000",
    "rep_email": "zaitaku@example.jp",
    "reason": "往診の担い手が足りない。\n夜間の対応が一部の診療所に偏っている。",
    "features": "市の北部は高齢化率が高い。",
    "activities": "年4回の多職種会議を開いている。",
    "issues": ["multidisciplinary", "disaster"],
    "issues_detail": "停電時の人工呼吸器の患者の受入先が決まっていない。",
    "members": [
        {"row": f"r{n}", "organisation": a, "section": b, "title": c, "profession": d, "group": ""}
        for n, (a, b, c, d) in enumerate(MEMBERS, 1)
    ],
}

# ---- XML ---------------------------------------------------------------------------------------


def t(text: str) -> str:
    """Runs: line ends are w:br."""
    return "<w:r><w:br/></w:r>".join(
        f'<w:r><w:t xml:space="preserve">{escape(part)}</w:t></w:r>' for part in text.split("\n")
    )


def p(*runs: str) -> str:
    return f"<w:p>{''.join(runs)}</w:p>"


def ps(text: str) -> str:
    """One paragraph a line."""
    return "".join(p(t(line)) for line in text.split("\n"))


def tc(content: str = "", *, span: int = 1, merge: str = "") -> str:
    """A cell. `content` is text, or XML when it begins with <; `merge` is restart or continue."""
    grid = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    merged = {"": "", "restart": '<w:vMerge w:val="restart"/>', "continue": "<w:vMerge/>"}[merge]
    return f"<w:tc><w:tcPr>{grid}{merged}</w:tcPr>{content if content.startswith('<') else ps(content)}</w:tc>"


def tr(*cells: str, properties: str = "") -> str:
    return f"<w:tr>{properties}{''.join(cell if cell.startswith('<w:') else tc(cell) for cell in cells)}</w:tr>"


def tbl(*rows: str) -> str:
    return f"<w:tbl><w:tblPr/><w:tblGrid/>{''.join(rows)}</w:tbl>"


def box(content: str) -> str:
    """A frame: a table of one cell."""
    return tbl(tr(tc(content)))


def text_box(content: str) -> str:
    """A text box as Word 2010 and later store it: once for new versions, once for old ones."""
    inside = f"<w:txbxContent>{content if content.startswith('<') else ps(content)}</w:txbxContent>"
    shape = f'<wps:wsp><wps:cNvSpPr txBox="1"/><wps:spPr/><wps:txbx>{inside}</wps:txbx><wps:bodyPr/></wps:wsp>'
    drawing = (
        '<wp:inline><wp:extent cx="5400000" cy="1800000"/><wp:docPr id="1" name="Text Box 1"/>'
        '<a:graphic xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main">'
        '<a:graphicData uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape">'
        f"{shape}</a:graphicData></a:graphic></wp:inline>"
    )
    return p(
        f"<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing>{drawing}</w:drawing></mc:Choice>"
        f"<mc:Fallback><w:pict><v:shape><v:textbox>{inside}</v:textbox></v:shape></w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r>"
    )


def sdt(content: str, properties: str = "") -> str:
    return f"<w:sdt><w:sdtPr>{properties}</w:sdtPr><w:sdtContent>{content}</w:sdtContent></w:sdt>"


def checkbox(checked: bool) -> str:
    """Word's own check box: its tick is ☒."""
    state = f'<w14:checkbox><w14:checked w14:val="{int(checked)}"/></w14:checkbox>'
    return sdt(t("☒" if checked else "☐"), state)


def inserted(text: str) -> str:
    return f'<w:ins w:id="1" w:author="a">{t(text)}</w:ins>'


def deleted(text: str) -> str:
    return f'<w:del w:id="2" w:author="a"><w:r><w:delText>{escape(text)}</w:delText></w:r></w:del>'


def package(
    parts: dict[str, str | bytes], main: str = "word/document.xml", kind: str = "wordprocessingml.document"
) -> bytes:
    """An Office file from its parts."""
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        f'<Override PartName="/{main}" ContentType="application/vnd.openxmlformats-officedocument.{kind}.main+xml"/></Types>'
    )
    relations = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" '
        f'Target="{main}"/></Relationships>'
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"[Content_Types].xml": types, "_rels/.rels": relations, **parts}.items():
            archive.writestr(name, content)
    return file.getvalue()


def docx(*body: str, **parts: str | bytes) -> bytes:
    """A Word file of these blocks. Further parts by name without word/ and .xml (comments=…)."""
    document = f'<?xml version="1.0" encoding="UTF-8"?><w:document {NAMESPACES}><w:body>{"".join(body)}<w:sectPr/></w:body></w:document>'
    return package({"word/document.xml": document} | {f"word/{name}.xml": part for name, part in parts.items()})


# ---- the form ----------------------------------------------------------------------------------


def heading(text: str) -> str:
    return p(t(f"◼ {text}"))


AREA_HEADING = heading("応募地域の基本情報をご記入ください。")
REP_HEADING = heading("代表者の基本情報をご記入ください。")
REASON_HEADING = heading("応募の理由をご記入ください。（※できる限り具体的にご記載ください）")
FEATURES_HEADING = heading("地域の特徴をご記入ください。（※できる限り具体的にご記載ください）")
ACTIVITIES_HEADING = heading("拠点の取組内容をご記入ください。（※できる限り具体的にご記載ください）")
ISSUES_HEADING = heading("地域の課題について、該当する項目に○を付けたうえで、詳細を枠内にご記入ください。") + p(
    t("（※できる限り具体的にご記載ください）")
)
MEMBERS_HEADING = heading("想定される本伴走支援の参加者（構成員）をご記入ください。") + ps(
    "（※現時点で参加を想定している職種や機関の記載で構いません）\n（※行が足りない場合は適宜追加してご記入ください）"
)
AREA_KIND_LABEL = "応募地域の単位\n※右の回答欄に1又は2をご記入ください"
AREA_NAME_LABEL = (
    "応募地域名\n※上記設問で1と回答した場合は在宅医療の圏域を、2と回答した場合はその地域名をご記載ください"
)
AREA_OPTIONS = "1　在宅医療の圏域\n2　在宅医療の圏域ではない"
ITEMS = f"○{OPTIONS[0]}\n・{OPTIONS[1]}\n・{OPTIONS[2]}\n○{OPTIONS[3]}　・{OPTIONS[4]}"
HEADER = ("No.", "所属", "部署", "役職", "職種")


def area(kind_row: str = "", name: str = "東葛北部") -> str:
    kind_row = kind_row or tr(AREA_KIND_LABEL, "回答", "1", AREA_OPTIONS)
    return tbl(tr("都道府県", tc("千葉県", span=3)), kind_row, tr(AREA_NAME_LABEL, tc(name, span=3)))


def representative(
    address: str = "〒271-0000\n千葉県松戸市見本町1-2-3", phone: str = "047-000-0000", mail: str = "zaitaku@example.jp"
) -> str:
    return tbl(
        tr("所　属", "松戸市"),
        tr("部　署", "健康福祉部 在宅医療推進課"),
        tr("氏　名", "髙﨑 𠮷子"),
        tr("役　職", "課長"),
        tr("住　所", address),
        tr("電話番号", phone),
        tr("E - m a i l", mail),
    )


def member_rows(members: tuple[tuple[str, ...], ...] = MEMBERS, start: int = 1) -> list[str]:
    return [tr(str(number), *row) for number, row in enumerate(members, start)]


def members(*rows: str) -> str:
    blank = [tr(str(number), "", "", "", "") for number in range(len(MEMBERS) + 1, 16)]
    return tbl(tr(*HEADER), *(rows or (*member_rows(), *blank)))


def form(**changed: str) -> bytes:
    """The form, filled as EXPECTED, with some of its parts in another shape."""
    return docx(body(**changed))


def body(**changed: str) -> str:
    parts = {
        "number": p(t("別紙２－②")),
        "title": p(t(TITLE)),
        "area_heading": AREA_HEADING,
        "area": area(),
        "rep_heading": REP_HEADING,
        "rep": representative(),
        "reason_heading": REASON_HEADING,
        "reason": box(EXPECTED["reason"]),
        "features_heading": FEATURES_HEADING,
        "features": box(EXPECTED["features"]),
        "activities_heading": ACTIVITIES_HEADING,
        "activities": box(EXPECTED["activities"]),
        "issues_heading": ISSUES_HEADING,
        "issues": box(f"{ITEMS}\n{EXPECTED['issues_detail']}"),
        "members_heading": MEMBERS_HEADING,
        "members": members(),
        "closing": p(t("以上")),
    }
    unknown = changed.keys() - parts.keys()
    assert not unknown, unknown
    return "".join((parts | changed).values())


def replaced(data: bytes, part: str, old: str, new: str) -> bytes:
    """The file with a text of one part replaced."""
    source = zipfile.ZipFile(io.BytesIO(data))
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in source.namelist():
            content = source.read(name)
            archive.writestr(name, content.replace(old.encode(), new.encode()) if name == part else content)
    return file.getvalue()
