"""Plain lists to hand out: a table as PDF or Excel, questions with their answers as Word."""

from io import BytesIO
from zipfile import ZipFile

import pytest
from docx import Document

from kyoten.papers.listings import Answered, write_answers, write_list
from kyoten.papers.tables import Table

LIST = Table("写し", ("受付番号", "内容"), [("R7-0001", "例を教えてください。\n髙橋"), ("R7-0002", "＝1+1")], "控え")


@pytest.mark.parametrize("kind", ["pdf", "xlsx"])
def test_a_list_is_the_same_bytes_every_time(kind):
    assert write_list(LIST, kind) == write_list(LIST, kind)
    assert write_list(LIST, kind)[:4] == {"pdf": b"%PDF", "xlsx": b"PK\x03\x04"}[kind]


def test_questions_stand_above_their_answers():
    made = write_answers("照会と回答", "利用目的：改訂の参考", [Answered("1　会議", "例は？\n二行目", "あります。")])
    assert [p.text for p in Document(BytesIO(made)).paragraphs] == [
        "照会と回答", "利用目的：改訂の参考", "1　会議", "【問い】", "例は？", "二行目", "【答え】", "あります。"
    ]  # fmt: skip
    assert [name for name in ZipFile(BytesIO(made)).namelist() if "vba" in name.lower()] == []
