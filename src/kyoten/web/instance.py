"""The settings of one instance: a TOML file in its data folder, made on first use."""

from __future__ import annotations

import os
import secrets
import tomllib
from pathlib import Path
from typing import Any

TEMPLATE = """\
# この環境（インスタンス）の設定です。書き方は docs/operating.md にあります。
demo = {demo}
secret_key = "{secret}"
hosts = ["localhost", "127.0.0.1", "[::1]"]
# base_url = "https://kyoten.example.jp"   # 利用者が開くアドレス。書かないときは http://localhost:ポート番号
# behind_proxy = true         # TLS を終端する手前のサーバーが X-Forwarded-Proto を付けるとき

# [mail]                      # 送信（SMTP）。demo = true の間は外へ送りません。
# host = "smtp.example.jp"
# port = 587
# user = ""
# password = ""
# oauth2_command = ""         # password の代わりに、OAuth2 のトークンを出力するコマンド
# security = "starttls"       # starttls / tls / none
# sender = "kyoten@example.jp"

# [mailbox]                   # 受信（IMAP）。返信による回答を取り込みます。
# host = "imap.example.jp"
# port = 993
# user = ""
# password = ""
# security = "tls"            # tls / starttls / none
# oauth2_command = ""         # password の代わりに、OAuth2 のトークンを出力するコマンド
# folder = "INBOX"
"""


def data_folder() -> Path:
    """Where database, files and settings of this instance live (KYOTEN_DATA, else .kyoten beside the launcher)."""
    default = Path(__file__).resolve().parents[3] / ".kyoten"
    return Path(os.environ.get("KYOTEN_DATA") or default).resolve()


def instance_settings(folder: Path) -> dict[str, Any]:
    """Read `settings.toml`, making it and its folder (readable by their owner only) where they are missing.

    A new instance is a demonstration, unless KYOTEN_DEMO is 0 when it is made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "settings.toml"
    if not path.exists():
        demo = "false" if os.environ.get("KYOTEN_DEMO") == "0" else "true"
        text = TEMPLATE.format(demo=demo, secret=secrets.token_urlsafe(50))
        partial = path.with_suffix(f".{os.getpid()}.new")
        with open(os.open(partial, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        try:
            os.link(partial, path)  # fails where another process was first: its secret key stays
        except FileExistsError:
            pass
        finally:
            partial.unlink()
    return tomllib.loads(path.read_text("utf-8"))
