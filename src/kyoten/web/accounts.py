"""How allauth and axes behave here: accounts by invitation only, no mail addresses of people, locks per account."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from allauth.account import forms
from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse

from kyoten.organisations.actions.people import clean_username

NOT_RIGHT = (
    "利用者IDまたはパスワードが違います。大文字・小文字と、全角・半角を確かめてください。"
    "パスワードを忘れたときは、下の「パスワードを忘れたとき」から再設定できます。"
)


class Adapter(DefaultAccountAdapter):
    error_messages = DefaultAccountAdapter.error_messages | {
        "username_password_mismatch": NOT_RIGHT,
        "incorrect_password": "パスワードが違います。",
        "too_many_login_attempts": "続けて間違えたため、5分ほど受け付けません。待ってから、もう一度お試しください。",
        "rate_limited": "短い時間に続けて操作されました。しばらく待ってから、もう一度お試しください。",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Passwords are counted by axes alone, in the database; the rate limit of allauth is for the second factors."""

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        return reverse("organisations:me")


class MfaAdapter(DefaultMFAAdapter):
    """The secrets of authenticator apps and recovery codes are stored encrypted with the instance's key."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "incorrect_code": "確認番号が違います。アプリに表示されている新しい番号を入力してください。",
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """With another secret key nothing is readable: no code fits, and the section's address is the way in."""
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            return ""

    def generate_authenticator_name(self, user, type) -> str:
        return "パスキー"


def _cipher() -> Fernet:
    key = hashlib.sha256(b"kyoten.mfa" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


class LoginForm(forms.LoginForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["login"].label = "利用者ID"
        for field in self.fields.values():
            field.widget.attrs.pop("placeholder", None)
        self.fields["login"].widget.attrs |= {"autocapitalize": "none", "spellcheck": "false"}

    def clean_login(self) -> str:
        return clean_username(self.cleaned_data["login"])


class ReauthenticateForm(forms.ReauthenticateForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["password"].label = "現在のパスワード"
        self.fields["password"].widget.attrs.pop("placeholder", None)


class ChangePasswordForm(forms.ChangePasswordForm):
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        labels = {
            "oldpassword": "現在のパスワード",
            "password1": "新しいパスワード",
            "password2": "新しいパスワード（確認のためもう一度）",
        }
        for name, label in labels.items():
            self.fields[name].label = label
            self.fields[name].widget.attrs.pop("placeholder", None)
        self.fields["password1"].help_text = "12文字以上。よく使われる言葉や、利用者IDに似たものは使えません。"


def login_name(request: HttpRequest, credentials: Mapping[str, Any] | None) -> str | None:
    """Under which name axes counts failures: as the login form reads it, so that TANAKA and ｔａｎａｋａ are one."""
    name = (credentials or {}).get("username") or request.POST.get("login") or ""
    return clean_username(name)[:255] or None
