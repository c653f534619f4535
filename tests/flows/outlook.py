"""A .msg file as Outlook saves it, for the tests: a small writer of compound files."""

from __future__ import annotations

import struct

END, FREE, FATSECT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
Tree = dict[str, "bytes | Tree"]


def text(tag: str, value: str) -> tuple[str, bytes]:
    return f"__substg1.0_{tag}001F", value.encode("utf-16-le")


def compound(tree: Tree) -> bytes:
    """Streams below 4096 bytes in the small stream, the others in sectors of their own; siblings as one long branch."""
    entries: list[list] = [["Root Entry", 5, FREE, FREE, FREE, END, 0]]
    small, sectors, small_table, table = b"", [], [], []

    def large(data: bytes) -> int:
        first, count = len(sectors), -(-len(data) // 512)
        for n in range(count):
            sectors.append(data[n * 512 : (n + 1) * 512].ljust(512, b"\0"))
            table.append(first + n + 1 if n + 1 < count else END)
        return first if count else END

    def add(folder: int, content: Tree) -> None:
        nonlocal small
        before = FREE
        for name, value in content.items():
            number = len(entries)
            entry = [name, 2 if isinstance(value, bytes) else 1, FREE, FREE, FREE, END, 0]
            entries.append(entry)
            if before == FREE:
                entries[folder][4] = number
            else:
                entries[before][3] = number
            before = number
            if isinstance(value, dict):
                add(number, value)
            elif len(value) >= 4096:
                entry[5], entry[6] = large(value), len(value)
            elif value:
                first, count = len(small_table), -(-len(value) // 64)
                small += value.ljust(count * 64, b"\0")
                small_table.extend([first + n + 1 if n + 1 < count else END for n in range(count)])
                entry[5], entry[6] = first, len(value)

    add(0, tree)
    entries[0][5], entries[0][6] = large(small), len(small)
    small_start = large(b"".join(struct.pack("<I", n) for n in small_table))
    rows = b"".join(_entry(*entry) for entry in entries)
    directory = large(rows.ljust(-(-len(rows) // 512) * 512, b"\0"))
    tables = 1
    while tables * 128 < len(sectors) + tables:
        tables += 1
    numbers = list(range(len(sectors), len(sectors) + tables))
    table += [FATSECT] * tables
    table += [FREE] * (tables * 128 - len(table))
    fat = struct.pack(f"<{len(table)}I", *table)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 16 + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6) + b"\0" * 6
    head += struct.pack("<IIIIIIIIII", 0, tables, directory, 0, 4096, small_start if small_table else END,
                        1 if small_table else 0, END, 0, 0)[:36]  # fmt: skip
    head += struct.pack("<109I", *numbers, *[FREE] * (109 - tables))
    return head.ljust(512, b"\0") + b"".join(sectors) + fat


def _entry(name: str, kind: int, left: int, right: int, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBBIII36sIQ", encoded.ljust(64, b"\0"), len(encoded), kind, 1, left, right, child, b"",
                       start, size)  # fmt: skip


def message(
    *, subject: str = "拠点整備・運用に関する照会", body: str = "照会です。", headers: str = "", files=()
) -> bytes:
    tree: Tree = dict([
        text("0037", subject), text("1000", body), text("0C1A", "山下 結衣"), text("5D01", "chiiki@matsudo.example.jp"),
        text("1035", "<outlook-1@example.jp>"),
    ])  # fmt: skip
    if headers:
        tree.update([text("007D", headers)])
    for n, (name, data) in enumerate(files):
        tree[f"__attach_version1.0_#{n:08X}"] = dict([text("3707", name)]) | {"__substg1.0_37010102": data}
    return compound(tree)
