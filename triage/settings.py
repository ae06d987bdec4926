"""All settings. Everything comes from the environment; without any it is the embedded default (SQLite, no Redis)."""

import json
import os
from pathlib import Path

import dj_database_url

from triage.kept import kept

BASE_DIR = Path(__file__).resolve().parent.parent


def env(name: str, default: str = "") -> str:
    return os.environ.get(name, default).strip()


def env_list(name: str) -> list[str]:
    return [part.strip() for part in env(name).split(",") if part.strip()]


# ── House ────────────────────────────────────────────────────────────────────────────────────────────────────────────
# What this process is: desk, front, worker, watch; empty for commands and tests.
ROLE = env("BREAKWATER_ROLE")
# Demo accounts, drill button and free simulator. Refused beside real credentials (check breakwater.E001).
DEMO = env("DEMO") == "1"
# Folder for database, blobs, spool, plan, mail and exports.
VAR = Path(env("BREAKWATER_VAR", str(BASE_DIR / "var")))
# The organisation's name, as customers read it.
ORGANISATION = env("ORGANISATION", "Acme")
# Public base URL, no trailing slash. Signatures and links are built from it, never from request headers.
# Beside a running `manage.py up`, commands find its address by themselves.
PUBLIC_URL = (env("PUBLIC_URL") or kept(VAR, "public-url") or "http://localhost:8000").rstrip("/")
# The business's own time zone: weekly rhythm, opening hours unless a line says otherwise.
BUSINESS_TIME_ZONE = env("BUSINESS_TIME_ZONE", "UTC")

# ── Security ─────────────────────────────────────────────────────────────────────────────────────────────────────────
# The embedded default makes one up and keeps it with its data; more than one machine must be given the same.
SECRET_KEY = env("SECRET_KEY") or kept(VAR, "secret-key", make="")
DEBUG = False
ALLOWED_HOSTS = env_list("ALLOWED_HOSTS") or (["localhost", "127.0.0.1", "[::1]"] if not env("PUBLIC_URL") else ["*"])
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PUBLIC_URL.startswith("https://") else None
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PUBLIC_URL.startswith("https://")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# ── Applications ─────────────────────────────────────────────────────────────────────────────────────────────────────
INSTALLED_APPS = [
    "triage",
    "voice",
    "tickets",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "anymail",
    "csp",
    "django_filters",
    "django_htmx",
    "drf_spectacular",
    "rest_framework",
]
# Nobody signs in at the front door, and allauth does not start without its middleware.
if ROLE == "front":
    INSTALLED_APPS = [name for name in INSTALLED_APPS if not name.startswith("allauth")]
_FRONT_MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "triage.policy.PolicyOfPages",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
MIDDLEWARE = (
    _FRONT_MIDDLEWARE
    if ROLE == "front"
    else [
        "django.middleware.security.SecurityMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "triage.policy.PolicyOfPages",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.locale.LocaleMiddleware",
        "django.middleware.common.CommonMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "allauth.account.middleware.AccountMiddleware",
        "django.contrib.messages.middleware.MessageMiddleware",
        "django.middleware.clickjacking.XFrameOptionsMiddleware",
        "django_htmx.middleware.HtmxMiddleware",
    ]
)
# WhiteNoise serves the few static files of the public pages in front processes too.
if ROLE == "front":
    MIDDLEWARE.insert(1, "whitenoise.middleware.WhiteNoiseMiddleware")
CSRF_FAILURE_VIEW = "triage.error_pages.too_old"
ROOT_URLCONF = "triage.front_urls" if ROLE == "front" else "triage.urls"
WSGI_APPLICATION = "triage.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                *(
                    []
                    if ROLE == "front"
                    else [
                        "django.contrib.auth.context_processors.auth",
                        "django.contrib.messages.context_processors.messages",
                    ]
                ),
                "triage.context.house",
            ],
        },
    }
]

# ── Database ─────────────────────────────────────────────────────────────────────────────────────────────────────────
DATABASE_URL = env("DATABASE_URL")
# Seconds a front process waits for a lock before the arrival goes to the spool; others wait longer.
_BUSY_SECONDS = 0.3 if ROLE == "front" else 10
# Connections of one process, and seconds to wait for one of them. The desk's request threads hold one each beside the
# keepers and the journal's writer; front has only those, and nobody may wait there.
_POOL = {"front": 4, "worker": 4, "watch": 4}.get(ROLE, 12)
_POOL_SECONDS = 0.4 if ROLE == "front" else 5
if DATABASE_URL:
    DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=0, conn_health_checks=True)}
    DATABASES["default"]["OPTIONS"] = {
        **DATABASES["default"].get("OPTIONS", {}),
        "connect_timeout": 2,
        # Seconds and milliseconds: a host that died without a word is noticed.
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "options": "-c statement_timeout=30000 -c lock_timeout=10000",
        "pool": {"min_size": 1, "max_size": _POOL, "timeout": _POOL_SECONDS, "reconnect_timeout": 1},
    }
else:
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(VAR / "breakwater.sqlite3"),
            "OPTIONS": {
                "timeout": _BUSY_SECONDS,
                "transaction_mode": "IMMEDIATE",
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout="
                f"{int(_BUSY_SECONDS * 1000)};",
            },
            "TEST": {"NAME": str(VAR / "test.sqlite3")},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ── Broker and cache ─────────────────────────────────────────────────────────────────────────────────────────────────
REDIS_URL = env("REDIS_URL")
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, object]
# Seconds. Web processes must never wait for a broker that is away.
_BROKER_SECONDS = 0.3
if REDIS_URL:
    CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.redis.RedisCache",
            "LOCATION": REDIS_URL,
            "OPTIONS": {"socket_timeout": _BROKER_SECONDS, "socket_connect_timeout": _BROKER_SECONDS},
        }
    }
    CELERY_BROKER_URL = REDIS_URL
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "socket_timeout": None if ROLE == "worker" else _BROKER_SECONDS,
        "socket_connect_timeout": _BROKER_SECONDS,
        "max_retries": 0,
        "retry_on_timeout": False,
    }
else:
    CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    CELERY_BROKER_URL = "files://localhost//"
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(VAR / "broker" / "messages"),
        "data_folder_out": str(VAR / "broker" / "messages"),
        "control_folder": str(VAR / "broker" / "control"),
        # Seconds between looks at the folder. Kombu's own second would let two nudges through in each.
        "polling_interval": 0.05,
    }
CELERY_BROKER_CONNECTION_TIMEOUT = _BROKER_SECONDS
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_STORE_EAGER_RESULT = False
CELERY_TASK_DEFAULT_QUEUE = "live"
# Nudges taken at once a thread: from files several, because each look takes no more than these.
CELERY_WORKER_PREFETCH_MULTIPLIER = 1 if REDIS_URL else 8
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# ── Journal, spool, outbox ───────────────────────────────────────────────────────────────────────────────────────────
# Seconds a request waits for the journal's writer before the arrival goes to the spool.
JOURNAL_PATIENCE = 0.3
# Seconds between looks whether the database answers again; until it does, requests go straight to the spool.
JOURNAL_BREAKER_SECONDS = 5.0
# True: a thread of the process writes the journal (requests never touch the database); False: the calling thread does.
JOURNAL_THREAD = True
# True: threads keep plan and notices current; False: only `Keeper.refresh()` does.
KEEPER_THREADS = True
# True: threads do what managers order by phone, and are waited for only so long; False: the calling thread does it.
HAND_OVER_THREADS = True
# Bytes. A payload body above this is kept as a blob, its hash in the arrival.
JOURNAL_INLINE_BYTES = 16_384
# Seconds after which a claim that nobody finished is stale.
CLAIM_STALE_SECONDS = 120

# ── Mail ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
# smtp://user:password@host:port or smtps://…; an anymail provider by MAIL_PROVIDER; neither: a folder of .eml files.
MAIL_URL = env("MAIL_URL")
# An anymail provider's name ("mailgun", "postmark" …); its settings come from ANYMAIL_* variables.
MAIL_PROVIDER = env("MAIL_PROVIDER")
# The address customers write to and get answers from. Plus addressing carries the reply token.
SUPPORT_ADDRESS = env("SUPPORT_ADDRESS", "support@example.com")
# Mailboxes to poll, separated by white space: imaps://user:password@host/folder, ?move=Done to move what was taken.
MAILBOXES = env("MAILBOXES").split()
MAILBOX_SECONDS = float(env("MAILBOX_SECONDS", "20"))
# The mail server (authserv-id, RFC 8601) whose Authentication-Results are ours; without it no forward is believed.
AUTHENTICATION_SERVER = env("AUTHENTICATION_SERVER")
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", f"{ORGANISATION} support <{SUPPORT_ADDRESS}>")
# Domain of our Message-IDs.
MAIL_DOMAIN = env("MAIL_DOMAIN", SUPPORT_ADDRESS.rpartition("@")[2])
# Connections to the mail server at once for a worker that sends in bulk; each leaves one message in doubt at the most.
MAIL_CONNECTIONS = int(env("MAIL_CONNECTIONS", "12"))
EMAIL_TIMEOUT = 10
# Messages a second over all processes. A folder takes more than a mail server wants.
MAIL_RATE = float(env("MAIL_RATE", "20" if MAIL_URL or MAIL_PROVIDER else "200"))
MAIL_FOLDER = VAR / "mail"
# "user:password" that inbound webhooks must present (HTTP basic), comma separated; empty: no webhook is accepted.
# A demo makes one up for its drill.
MAIL_WEBHOOK_SECRETS = env_list("MAIL_WEBHOOK_SECRETS") or [
    f"demo:{secret}" for secret in [kept(VAR, "mail-secret", make="" if DEMO else None)] if secret
]
if MAIL_PROVIDER:
    EMAIL_BACKEND = f"anymail.backends.{MAIL_PROVIDER}.EmailBackend"
elif MAIL_URL:
    EMAIL_BACKEND = "tickets.mail.smtp.EmailBackend"
    from urllib.parse import unquote, urlsplit

    _mail = urlsplit(MAIL_URL)
    EMAIL_HOST, EMAIL_PORT = _mail.hostname or "localhost", _mail.port or (465 if _mail.scheme == "smtps" else 25)
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_mail.username or ""), unquote(_mail.password or "")
    EMAIL_USE_SSL, EMAIL_USE_TLS = _mail.scheme == "smtps", _mail.scheme == "smtp+tls"
else:
    EMAIL_BACKEND = "tickets.mail.folder.EmailBackend"
ANYMAIL: dict[str, object] = {
    name.removeprefix("ANYMAIL_"): value for name, value in os.environ.items() if name.startswith("ANYMAIL_")
}
ANYMAIL["WEBHOOK_SECRET"] = MAIL_WEBHOOK_SECRETS

# ── Telephone ────────────────────────────────────────────────────────────────────────────────────────────────────────
TWILIO_ACCOUNT_SID = env("TWILIO_ACCOUNT_SID")
# The first signs our own requests; any of them may sign a webhook (rotation, subaccounts).
# A demo makes one up, with which its simulator and its drill sign.
TWILIO_AUTH_TOKENS = env_list("TWILIO_AUTH_TOKENS") or [
    token for token in [kept(VAR, "twilio-token", make="" if DEMO else None)] if token
]
# Another base URL for Twilio's API: a local server in tests. Empty: Twilio's own.
TWILIO_API_BASE = env("TWILIO_API_BASE")
# Where the simulator and the drill find the front door; empty: at PUBLIC_URL.
SIMULATOR_BASE = (env("SIMULATOR_BASE") or kept(VAR, "front-url")).rstrip("/")
# Calls a second that the account may start.
CALLS_PER_SECOND = float(env("CALLS_PER_SECOND", "1"))
# Segments of text messages a second over all processes: a long code sends one.
TEXTS_PER_SECOND = float(env("TEXTS_PER_SECOND", "1"))
# Hours of the day, where the customer is, from and until which we call.
CALL_HOURS = tuple(int(hour) for hour in env("CALL_HOURS", "8-20").split("-"))
# Links texted and callbacks noted an hour for numbers that differ in their last four digits only (caller IDs are
# forged). Further texts are not sent; further callbacks wait until a manager has looked.
TEXTS_PER_PREFIX = int(env("TEXTS_PER_PREFIX", "20"))
CALLBACKS_PER_PREFIX = int(env("CALLBACKS_PER_PREFIX", "100"))
# Countries (ISO 3166) that we call and text; everything else is refused.
CALL_COUNTRIES = env_list("CALL_COUNTRIES") or ["US", "CA", "GB", "IE", "DE", "AT", "CH", "FR", "ES", "IT", "NL", "SE"]

# Hosts of the product that this support is for, comma separated: the preflight says what we share with them.
PRODUCT_HOSTS = env_list("PRODUCT_HOSTS")

# ── Surges ───────────────────────────────────────────────────────────────────────────────────────────────────────────
# People in 15 minutes above which there is a surge while an hour of this kind of day has not been seen yet; three times
# as many before a series has been watched for a quarter of an hour.
SURGE_CEILING = float(env("SURGE_CEILING", "300"))

# ── Alerts ───────────────────────────────────────────────────────────────────────────────────────────────────────────
# Services that are told of pages, as apprise URLs separated by white space; managers add others in the control room.
# Without any, each manager is told by mail.
ALERT_URLS = env("ALERT_URLS").split()
# The same for those who are told when nobody has acknowledged a page, and minutes until then.
ALERT_URLS_SECOND = env("ALERT_URLS_SECOND").split()
ALERT_SECOND_MINUTES = float(env("ALERT_SECOND_MINUTES", "5"))

# ── Storage ──────────────────────────────────────────────────────────────────────────────────────────────────────────
MEDIA_ROOT = VAR / "blobs"
STATIC_URL = "/static/"
STATIC_ROOT = VAR / "static"
# Where the off-site copy goes: a folder by default.
EXPORT_ROOT = Path(env("EXPORT_ROOT", str(VAR / "export")))
# Where static TwiML, audio and the status page are exported for the day when nothing of ours answers: a folder, or any
# storage of Django's (FALLBACK_STORAGE is its class, FALLBACK_OPTIONS its options as JSON), and where it is read.
FALLBACK_URL = env("FALLBACK_URL").rstrip("/")
FALLBACK_STORAGE = env("FALLBACK_STORAGE", "django.core.files.storage.FileSystemStorage")
FALLBACK_OPTIONS: dict[str, object] = json.loads(env("FALLBACK_OPTIONS") or "{}")
if not FALLBACK_OPTIONS and FALLBACK_STORAGE.endswith("FileSystemStorage"):
    FALLBACK_OPTIONS = {"location": str(EXPORT_ROOT / "fallback")}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "fallback": {"BACKEND": FALLBACK_STORAGE, "OPTIONS": FALLBACK_OPTIONS},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True
# Bytes. Inbound mail webhooks may carry this much; their views read the body themselves.
DATA_UPLOAD_MAX_MEMORY_SIZE = 52_428_800

# ── People ───────────────────────────────────────────────────────────────────────────────────────────────────────────
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
ACCOUNT_ADAPTER = "tickets.desk.people.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
# Else the name of the host stands before every subject.
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
LOGIN_REDIRECT_URL = "/desk/"
LOGIN_URL = "/accounts/login/"

# ── Language and time ────────────────────────────────────────────────────────────────────────────────────────────────
LANGUAGE_CODE = "en"
# The languages of pages for staff. What customers read and hear has languages of its own.
LANGUAGES = [("en", "English")]
# Pages and mails for staff tell the business's time; what is stored is UTC.
TIME_ZONE = BUSINESS_TIME_ZONE
USE_TZ = True

# ── API ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_AUTHENTICATION_CLASSES": ["tickets.channels.api_access.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "tickets.channels.api_problems.problem_details",
}
SPECTACULAR_SETTINGS = {"TITLE": "Breakwater", "VERSION": "1", "SERVE_INCLUDE_SCHEMA": False}

# ── Logs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env("LOG_LEVEL", "INFO")},
    # The SDK writes down every request, with the numbers of those who are called and texted.
    "loggers": {"twilio.http_client": {"level": "WARNING"}},
}
