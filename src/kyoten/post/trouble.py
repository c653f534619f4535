"""What went wrong with a mailbox: what to do about it, for whoever reads the screen; then the machine's own words."""

from __future__ import annotations

import imaplib
import socket
import ssl

from kyoten.post.imap_login import LoginRefused
from kyoten.post.tokens import Unusable
from kyoten.records.models import Refused

PASSWORD_REFUSED = "メールサーバーにログインできません。設定の user と password を確かめてください"
TOKEN_REFUSED = (
    "メールサーバーが OAuth2 のトークンを受け付けません。期限の切れたトークンか、別の利用者のトークンです。"
    "oauth2_command（または oauth2_token）と user を確かめてください"
)
LOGIN_LATER = "メールサーバーの認証が一時的に使えません。1分ごとに自動でやり直します"
UNREACHABLE = (
    "メールサーバーにつながりません。サーバーが止まっていないか、設定の host と port を確かめてください。"
    "1分ごとに自動でやり直します"
)
SILENT = "メールサーバーから時間内に応答がありません。1分ごとに自動でやり直します"
CUT = "メールサーバーとの接続が途中で切れました。1分ごとに自動でやり直します"
CERTIFICATE = "メールサーバーの証明書を確かめられません。設定の host と ca_file を確かめてください"
ENCRYPTION = "メールサーバーと暗号化した通信ができません。設定の security と port を確かめてください"
FOLDER = "メールサーバーでフォルダー「{folder}」を開けません。設定の folder を確かめてください"
ONE_MAIL = (
    "メールサーバーが1通のメール（UID {uid}）を渡しません。ほかのメールを渡すときは、それを要確認として次へ進みます"
)
DIRECTORY = "メールのファイルを置くフォルダーを読み書きできません。設定の directory と、その権限を確かめてください"
CA_FILE = "設定の ca_file を読めません。ファイルの場所と、その権限を確かめてください"
UNCLEAR = "メールサーバーの応答を処理できません。システムの担当者に連絡してください"
BUSY = ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]", "[CONTACTADMIN]")  # RFC 5530: not about who asks


class FolderRefused(imaplib.IMAP4.error):
    """The folder of the settings cannot be opened."""

    def __init__(self, folder: str, said: str) -> None:
        super().__init__(said)
        self.folder = folder


class NotHandedOver(imaplib.IMAP4.error):
    """The server failed over one mail: it said no, or the connection ended."""

    def __init__(self, uid: int, said: str) -> None:
        super().__init__(said)
        self.uid = uid


def words(error: Exception) -> str:
    if isinstance(error, (Refused, Unusable)):
        return str(error)
    return f"{_words(error)}（{error or type(error).__name__}）。"[:500]


def _words(error: Exception) -> str:
    if isinstance(error, LoginRefused):
        if any(code in str(error).upper() for code in BUSY):
            return LOGIN_LATER
        return TOKEN_REFUSED if error.by_token else PASSWORD_REFUSED
    if isinstance(error, FolderRefused):
        return FOLDER.format(folder=error.folder)
    if isinstance(error, NotHandedOver):
        return ONE_MAIL.format(uid=error.uid)
    if isinstance(error, OSError) and error.filename:
        return DIRECTORY
    for kinds, sentence in KINDS:
        if isinstance(error, kinds):
            return sentence
    return UNCLEAR


# The first that fits: TimeoutError and the errors of TLS are kinds of OSError, abort is one of IMAP4.error.
KINDS: list[tuple[type[Exception] | tuple[type[Exception], ...], str]] = [
    (ssl.SSLCertVerificationError, CERTIFICATE),
    (ssl.SSLEOFError, CUT),
    (ssl.SSLError, ENCRYPTION),
    (TimeoutError, SILENT),
    ((FileNotFoundError, PermissionError), CA_FILE),
    ((ConnectionRefusedError, socket.gaierror), UNREACHABLE),
    ((imaplib.IMAP4.abort, ConnectionError), CUT),
    (OSError, UNREACHABLE),
]
