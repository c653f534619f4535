"""Just enough of an IMAP server on a free port to do what a real one seldom does: refuse a login in its own words, cut
the line over one mail, hand over nothing."""

from __future__ import annotations

import base64
import re
import socketserver
import threading

TOKEN = "good"
USER = "desk@example.jp"


class Server(socketserver.ThreadingTCPServer):
    """Use as a context manager. `mails`: UID → bytes. `trouble`: UID → what happens when it is asked for: "cut", "NO …",
    or the words that stand for its bytes. `refusal`: what a refused login is told."""

    daemon_threads = True

    def __init__(self, mails: dict[int, bytes], trouble: dict[int, str] | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.mails, self.trouble = mails, trouble or {}
        self.refusal = "NO [AUTHENTICATIONFAILED] Authentication failed."
        self.capabilities = "IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2"
        self.folders = [""]  # beginnings of the names of folders there are: all
        self.examined: list[str] = []
        self.logins: list[bytes] = []

    def __enter__(self) -> Server:
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.thread.join()
        self.server_close()

    def settings(self, **more: object) -> dict[str, object]:
        """What an instance has in `[mailbox]` to be pointed here."""
        port = self.server_address[1]
        return {"host": "127.0.0.1", "port": port, "security": "none", "user": USER, "timeout": 10} | more


class Session(socketserver.StreamRequestHandler):
    server: Server

    def say(self, *lines: str | bytes) -> None:
        for line in lines:
            self.wfile.write((line if isinstance(line, bytes) else line.encode()) + b"\r\n")

    def handle(self) -> None:
        self.say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, command = line.split(" ", 1)
            if self.answer(tag, command) == "cut":
                return

    def answer(self, tag: str, command: str) -> str | None:
        done, mails = f"{tag} OK done", self.server.mails
        if command == "CAPABILITY":
            self.say(f"* CAPABILITY {self.server.capabilities}", done)
        elif command.startswith(("AUTHENTICATE", "LOGIN")):
            self.say(done if self.admits(command) else f"{tag} {self.server.refusal}")
        elif command.startswith("EXAMINE"):
            self.server.examined.append(command)
            if not command.removeprefix("EXAMINE ").startswith(tuple(self.server.folders)):
                self.say(f"{tag} NO [NONEXISTENT] no such folder")
                return None
            self.say(f"* {len(mails)} EXISTS", "* OK [UIDVALIDITY 7] valid", f"{tag} OK [READ-ONLY] done")
        elif found := re.match(r"UID SEARCH UID (\d+):\*", command):
            uids = [uid for uid in mails if uid >= int(found[1])] or list(mails)[-1:]
            self.say(f"* SEARCH {' '.join(map(str, uids))}", done)
        elif found := re.match(r"UID FETCH (\d+) (.*)", command):
            return self.hand_over(tag, int(found[1]), found[2])
        else:
            self.say("* BYE", done)
        return None

    def admits(self, command: str) -> bool:
        if command == "AUTHENTICATE PLAIN":
            self.say("+ ")
            self.server.logins.append(base64.b64decode(self.rfile.readline()))
            return True
        if command != "AUTHENTICATE XOAUTH2":
            return False
        self.say("+ ")
        if base64.b64decode(self.rfile.readline()) == f"user={USER}\x01auth=Bearer {TOKEN}\x01\x01".encode():
            return True
        self.say(b"+ " + base64.b64encode(b'{"status":"401"}'))
        assert self.rfile.readline() == b"\r\n"
        return False

    def hand_over(self, tag: str, uid: int, what: str) -> str | None:
        raw, trouble = self.server.mails[uid], self.server.trouble.get(uid, "")
        if "SIZE" in what:
            self.say(f'* 1 FETCH (UID {uid} RFC822.SIZE {len(raw)} INTERNALDATE "24-Jul-2025 10:00:00 +0900")')
        elif trouble == "cut" or trouble == "cut over its body" and "HEADER" not in what:
            self.wfile.write(b"* 1 FETCH (UID %d BODY[] {%d}\r\n" % (uid, len(raw)) + raw[:5])
            return "cut"
        elif trouble.startswith("NO"):
            self.say(f"{tag} {trouble}")
            return None
        elif trouble and not trouble.startswith("cut"):
            self.say(f"* 1 FETCH (UID {uid} BODY[] {trouble})")
        else:
            raw = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if "HEADER" in what else raw
            self.wfile.write(b"* 1 FETCH (UID %d BODY[] {%d}\r\n" % (uid, len(raw)) + raw + b")\r\n")
        self.say(f"{tag} OK done")
        return None
