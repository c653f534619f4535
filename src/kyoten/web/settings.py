"""Django settings. What differs between instances comes from `settings.toml` in the data folder and DATABASE_URL."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from csp.constants import NONE, SELF

from kyoten.web.instance import data_folder, instance_settings

ROOT = Path(__file__).resolve().parents[3]
DATA = data_folder()
INSTANCE = instance_settings(DATA)

DEMO = bool(INSTANCE.get("demo", False))
DEBUG = False
SECRET_KEY = INSTANCE["secret_key"]
BASE_URL = os.environ.get("KYOTEN_BASE_URL") or INSTANCE.get("base_url", "http://localhost:8000")
ALLOWED_HOSTS = INSTANCE.get("hosts", ["localhost"])
SECURE = BASE_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "csp",
    "django_htmx",
    "axes",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "kyoten.records",
    "kyoten.post",
    "kyoten.organisations",
    "kyoten.programmes",
    "kyoten.inquiries",
    "kyoten.calls",
    "kyoten.consultations",
    "kyoten.search",
    "kyoten.web",
]
AUTH_USER_MODEL = "organisations.User"

MIDDLEWARE = [
    "kyoten.web.middleware.moment",  # first: the moment a request arrived is stamped once
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "kyoten.web.middleware.seat",
    "kyoten.web.middleware.access",  # the route table is law: no row, no page
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "kyoten.web.urls"
WSGI_APPLICATION = "kyoten.web.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "src/kyoten/web/templates"],  # before allauth's own
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["kyoten.web.templatetags.look"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "kyoten.web.context.frame",
            ],
        },
    }
]


def database(url: str) -> dict:
    """The DATABASES entry for postgres://user:password@host:port/name or, by default, SQLite in the data folder."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": DATA / "db.sqlite3",
            "CONN_MAX_AGE": 60,  # opening it costs as much as several queries, and its page cache starts empty
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            },
            "TEST": {"NAME": str(DATA / "test.sqlite3")},
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise SystemExit("DATABASE_URL は postgres://利用者:パスワード@ホスト/データベース名 の形で指定してください。")
    query = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.get("host", parts.hostname or ""),
        "PORT": str(parts.port or ""),
        "CONN_HEALTH_CHECKS": True,
        "CONN_MAX_AGE": 60,
        # A record with its call, bodies and sections joins eight tables by their keys: trying every order takes the
        # planner twenty times as long as running it.
        "OPTIONS": {"options": "-c join_collapse_limit=4"},
    }


DATABASES = {"default": database(os.environ.get("DATABASE_URL") or INSTANCE.get("database_url", ""))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# In the database: what is counted in it (wrong codes of a second factor, codes already used) holds for every process.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "web_counted"}}

LANGUAGE_CODE = "ja"
TIME_ZONE = "Asia/Tokyo"
USE_TZ = True
USE_I18N = (
    True  # allauth's Japanese texts; no LocaleMiddleware: a browser's English setting must not turn the screens English
)

STATIC_URL = "/static/"
STATIC_ROOT = DATA / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
FILES = DATA / "files"  # attachments by content hash, never under a served path
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
UPLOAD_LIMIT = 20 * 1024 * 1024  # bytes, one file

SESSION_COOKIE_NAME = "__Host-kyoten" if SECURE else "kyoten"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "kyoten.web.views.csrf_failure"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE and INSTANCE.get("behind_proxy") else None
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "account_login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "kyoten.web.accounts.Adapter"
ACCOUNT_FORMS = {
    "login": "kyoten.web.accounts.LoginForm",
    "reauthenticate": "kyoten.web.accounts.ReauthenticateForm",
    "change_password": "kyoten.web.accounts.ChangePasswordForm",
}
ACCOUNT_SESSION_REMEMBER = False  # offices share machines: closing the browser ends the session
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_REQUIRED = False
# No "/ip": a whole prefecture shares one address, so ten mistakes would lock out a colleague.
ACCOUNT_RATE_LIMITS = {
    "login": False,
    "login_failed": "10/5m/key",
    "signup": False,
    "reset_password": "5/5m/key",
    "reset_password_from_key": False,
    "change_password": "5/m/user",
    "reauthenticate": "10/m/user",
}
MFA_ADAPTER = "kyoten.web.accounts.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = False
MFA_TOTP_ISSUER = "Kyoten"
MFA_TOTP_TOLERANCE = 1  # 30 seconds either way: office machines without a time server
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not SECURE  # http://localhost of the demo
AXES_LOCKOUT_PARAMETERS = ["username"]  # per account and never per address
SILENCED_SYSTEM_CHECKS = ["axes.W006"]  # asks for exactly the lock per address that we do not want
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "kyoten.web.views.locked_out"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # who goes on guessing must not keep the owner out for ever
AXES_USERNAME_CALLABLE = "kyoten.web.accounts.login_name"
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

MAIL = {"sender": "kyoten@example.jp", **INSTANCE.get("mail", {})}
MAILBOX = INSTANCE.get("mailbox", {})

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
