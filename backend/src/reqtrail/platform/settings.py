"""Settings: read from ``REQTRAIL_*`` environment variables, checked once, never from anywhere else."""

from __future__ import annotations

import secrets
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from reqtrail.kit.secret_strength import weakness
from reqtrail.platform.database.walls import APP_ROLE
from reqtrail.platform.proxies import Proxies, ProxyHeader
from reqtrail.platform.redis_url import read_redis_url
from reqtrail.platform.resources import data_folder
from reqtrail.platform.sign_in_providers import SignInProvider, check_unique, read_providers
from reqtrail.platform.telemetry.addresses import check_collector, check_dsn, read_headers

MAKE_A_SECRET = "openssl rand -base64 48"  # noqa: S105 - a command


def _parted(value: Any) -> Any:
    return tuple(value.replace(",", " ").split()) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parted)]
"""A setting of several texts, parted by commas or blanks."""


class WeakSecret(ValueError):
    """The secret in the home can be guessed."""


class Settings(BaseSettings):
    """Everything that can be set. The defaults run the embedded instance of one clone on a laptop."""

    model_config = SettingsConfigDict(
        env_prefix="REQTRAIL_", extra="ignore", hide_input_in_errors=True
    )

    home: Path = Path(".reqtrail")
    """Data folder of the embedded instance: databases, credentials, logs."""
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=1, le=65535)
    listen_fd: int | None = Field(default=None, ge=0)
    """The number of an inherited socket that the API listens on instead of ``host`` and ``port``."""
    api_processes: int = Field(default=1, ge=1, le=64)
    """How many API processes `reqtrail up` starts."""
    worker_processes: int = Field(default=1, ge=1, le=64)
    """How many workers `reqtrail up` starts."""
    metrics_port: int | None = Field(default=None, ge=1, le=65535)
    """Where this process serves its metrics; `reqtrail up` gives its further processes the ports after it."""
    metrics_host: str = "127.0.0.1"
    database_url: str | None = None
    """SQLAlchemy URL of an own PostgreSQL >= 15; without it the embedded one is started."""
    database_role: str | None = APP_ROLE
    """What the login of ``database_url`` becomes as it connects. Empty for a login that the policies bind as it is, if
    a pooler does not pass the parameter on."""
    migration_database_url: str | None = None
    """URL with the login that owns the tables, for migrations and partitions; without it that of ``database_url``."""
    database_pool_size: int = Field(default=10, ge=1)
    database_replica_urls: Names = ()
    """URLs of standbys of that PostgreSQL that reads may go to, with the same login or one like it."""
    database_replica_lag_seconds: float = Field(default=2, gt=0, le=4)
    """How far behind a replica may be that is read. What was taken from somebody must be gone within five seconds."""
    database_replica_alone_seconds: float = Field(default=600, ge=0)
    """For how long replicas are read while the primary is away; 0: not at all."""
    database_replica_read_seconds: float = Field(default=5, gt=0)
    """How long a read may take at a replica; then it is given up there and made at the primary."""
    redis_url: str | None = None
    """Where an own Redis or Valkey >= 7 is, see ``read_redis_url``; without it the embedded one is started."""
    cache_redis_url: str | None = None
    """URL of another one for the cache alone, which may evict what it likes; without it ``redis_url``. Empty for no
    cache that processes share."""
    secret_key: SecretStr | None = None
    """Keys digests of requests; without it one is generated and kept in the home, mode 0600."""
    master_keys: SecretStr | None = None
    """Encrypt the data keys that encrypt secrets: 32 bytes in base64 each, parted by commas, the active one first."""
    master_key_file: Path | None = None
    """A file with one such key a line; without it ``master.keys`` of the home, made by the first start."""
    encrypt_attachments: bool = False
    """Whether the bytes of new attachments are encrypted too."""
    audit_keys: SecretStr | None = None
    """Sign the audit log: 32 bytes in base64 each, parted by commas, the active one first. Without it ``audit.keys`` of
    the home, made at first need."""
    audit_retention_months: int = Field(default=0, ge=0, le=1200)
    """How many whole months of audit events are kept; 0 keeps them for ever."""
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    static_dir: Path | None = None
    """The built SPA; without it that of the package, or ``frontend/dist`` of the clone, if it is there."""
    access_token_minutes: int = Field(default=10, ge=1, le=60)
    signing_key_days: int = Field(default=90, ge=1, le=3650)
    """The age at which the key that signs access tokens is replaced."""
    refresh_token_days: int = Field(default=30, ge=1, le=365)
    api_token_days: int = Field(default=366, ge=0)
    """How long an API token may live; 0 means for ever."""
    bcrypt_rounds: int = Field(default=12, ge=4, le=16)
    bcrypt_pool: int = Field(default=2, ge=1, le=32)
    """How many passwords are hashed at the same time."""
    sign_in_limit: int = Field(default=10, ge=1)
    """Sign-in attempts a minute for one account and, five times that, for one address."""
    second_factor_required: bool = False
    """Whether an account without a second factor must enrol one when it signs in."""
    fresh_minutes: int = Field(default=10, ge=1, le=1440)
    """For how long after a sign-in its second factors can be changed without another proof."""
    max_body_mb: int = Field(default=16, ge=1)
    max_upload_mb: int = Field(default=1024, ge=1)
    body_seconds: float = Field(default=30, gt=0)
    """How long a request's body may stand still."""
    public_url: str | None = None
    """Where people reach the instance, such as https://reqtrail.example.org. Links in mails begin with it."""
    allowed_hosts: Names = ()
    """Host names that requests may be for, besides that of ``public_url``; without both any is."""
    trusted_proxies: Names = ()
    """Addresses and networks of the proxies in front, whose headers about the client count."""
    proxy_header: ProxyHeader = "x-forwarded-for"
    """The header that those proxies write."""
    outbound_allow: Names = ()
    """Host names, addresses and networks inside that webhooks and the like may reach; without it only the internet."""
    rate_address: int = Field(default=30_000, ge=0)
    """Requests a minute from one address. Here and below 0 means no limit."""
    rate_reads: int = Field(default=18_000, ge=0)
    """Reads a minute of one account."""
    rate_writes: int = Field(default=9_000, ge=0)
    rate_token_reads: int = Field(default=12_000, ge=0)
    """Reads a minute with one API token."""
    rate_token_writes: int = Field(default=6_000, ge=0)
    rate_import: int = Field(default=120, ge=0)
    """Imports a minute that one account starts; likewise exports, verifications and searches."""
    rate_export: int = Field(default=240, ge=0)
    rate_verify: int = Field(default=240, ge=0)
    rate_search: int = Field(default=1_200, ge=0)
    rate_client_errors: int = Field(default=20, ge=0)
    """Errors of the browser application a minute that one address may report."""
    merge_large_from: int = Field(default=2_000, ge=1)
    """From so many changes on a merge is called large: the browser and the command line have a worker do it."""
    merge_request_limit: int = Field(default=50_000, ge=1)
    """So many changes a merge may make within a request; a worker does any number."""
    smtp_host: str | None = None
    """The server that mails are handed over to; without one a local sink keeps them and shows administrators."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    smtp_ca_file: Path | None = None
    """Certificates that sign the server's, instead of those that the system trusts."""
    smtp_timeout_seconds: float = Field(default=20, gt=0, le=60)
    """How long one step of the conversation with the server may take."""
    mail_from: str = "Reqtrail <reqtrail@localhost>"
    registration: bool = False
    """Whether people may make an account of their own."""
    registration_domains: Names = ()
    """Domains of the addresses that may; any if there is none."""
    sign_in_providers: Annotated[tuple[SignInProvider, ...], NoDecode] = ()
    """The providers of single sign-on: a JSON list, or the path of a file that holds one."""
    password_sign_in: Literal["everybody", "administrators"] = "everybody"
    """Who may sign in with a password."""
    environment: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,64}$")
    """What this installation is called in traces and error tracking, such as production."""
    otlp_endpoint: str | None = None
    """Where traces are sent, by OTLP over HTTP, such as http://127.0.0.1:4318; without it none are made."""
    otlp_headers: SecretStr | None = None
    """What is sent with them: name=value, parted by commas."""
    trace_ratio: float = Field(default=0.1, ge=0, le=1)
    """Which part of all requests is traced."""
    error_dsn: SecretStr | None = None
    """Where errors are reported, by the protocol of Sentry: https://KEY@host/PROJECT; without it nowhere."""
    demo: bool = True
    """Whether the first start makes the demo project."""

    @field_validator("home", mode="after")
    @classmethod
    def _absolute_home(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @field_validator("secret_key", mode="after")
    @classmethod
    def _strong_secret(cls, value: SecretStr | None) -> SecretStr | None:
        found = None if value is None else weakness(value.get_secret_value())
        if found is not None:
            raise ValueError(f"{found}. Make one with `{MAKE_A_SECRET}`")
        return value

    @field_validator("mail_from", mode="after")
    @classmethod
    def _sender(cls, value: str) -> str:
        if "@" not in parseaddr(value)[1] or len(value.splitlines()) != 1:
            raise ValueError("must be an address such as Reqtrail <reqtrail@example.org>")
        return value

    @field_validator("sign_in_providers", mode="before")
    @classmethod
    def _read_providers(cls, value: Any) -> Any:
        return read_providers(value)

    @field_validator("sign_in_providers", mode="after")
    @classmethod
    def _unique_providers(cls, value: tuple[SignInProvider, ...]) -> tuple[SignInProvider, ...]:
        return check_unique(value)

    @field_validator("database_role", mode="after")
    @classmethod
    def _no_role(cls, value: str | None) -> str | None:
        return value or None

    @field_validator("database_url", "migration_database_url", mode="after")
    @classmethod
    def _database(cls, value: str | None) -> str | None:
        return None if value is None else _asyncpg_url(value)

    @field_validator("database_replica_urls", mode="after")
    @classmethod
    def _replicas(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(_asyncpg_url(url) for url in value)

    @field_validator("redis_url", "cache_redis_url", mode="after")
    @classmethod
    def _known_redis(cls, value: str | None) -> str | None:
        if value:
            read_redis_url(value)
        return value

    @field_validator("trusted_proxies", mode="after")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        Proxies(value)
        return value

    @field_validator("public_url", mode="after")
    @classmethod
    def _origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
            raise ValueError(
                "must be an address without a path, such as https://reqtrail.example.org"
            )
        return f"{parts.scheme}://{parts.netloc.lower()}"

    @field_validator("otlp_endpoint", mode="after")
    @classmethod
    def _collector(cls, value: str | None) -> str | None:
        return check_collector(value) if value else None

    @field_validator("error_dsn", mode="after")
    @classmethod
    def _dsn(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and value.get_secret_value():
            check_dsn(value.get_secret_value())
            return value
        return None

    @field_validator("otlp_headers", mode="after")
    @classmethod
    def _headers(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            read_headers(value.get_secret_value())
        return value

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Self:
        local = self.smtp_host in {None, "localhost", "127.0.0.1", "::1"}
        if self.smtp_password is not None and self.smtp_security == "none" and not local:
            raise ValueError(
                "REQTRAIL_SMTP_PASSWORD is not sent without TLS; set REQTRAIL_SMTP_SECURITY"
            )
        return self

    @property
    def public_address(self) -> str:
        """Where people reach this instance, without a slash at its end."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # nosec B104
        return self.public_url or f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def may_register(self, email: str) -> bool:
        """Return whether the domain of *email* is one whose addresses may register, if anybody may."""
        allowed = {domain.lower() for domain in self.registration_domains}
        return not allowed or email.rpartition("@")[2].lower() in allowed

    @property
    def owner_url(self) -> str | None:
        """The database with the login that owns the tables."""
        return self.migration_database_url or self.database_url

    @property
    def credentials_file(self) -> Path:
        """Where the first start stores what the local command line signs in with (mode 0600)."""
        return self.home / "credentials.json"

    @property
    def runtime_file(self) -> Path:
        """Where a running ``reqtrail up`` says its address and process id (mode 0600)."""
        return self.home / "runtime.json"

    def resolved_static_dir(self) -> Path | None:
        """Return the folder of the built SPA, or None when there is none."""
        candidate = self.static_dir or data_folder("site")
        return candidate if (candidate / "index.html").is_file() else None

    def secret(self) -> bytes:
        """Return the secret of the instance, generated into the home at first need.

        Raises:
            WeakSecret: If the one in the home can be guessed.
            OSError: If the home cannot be written.
        """
        if self.secret_key is not None:
            return self.secret_key.get_secret_value().encode()
        path = self.home / "secret.key"
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, secrets.token_urlsafe(48))
        content = path.read_bytes().strip()
        found = weakness(content.decode("utf-8", "replace"))
        if found is not None:
            raise WeakSecret(f"{path} {found}. Make one with `{MAKE_A_SECRET}`")
        return content


def _asyncpg_url(value: str) -> str:
    scheme, separator, rest = value.partition("://")
    if not separator or scheme.split("+")[0] not in {"postgres", "postgresql"}:
        raise ValueError("must be a PostgreSQL URL such as postgresql://user@host/database")
    return f"postgresql+asyncpg://{rest}"


def complaint(error: ValidationError) -> str:
    """Return what is wrong with the first setting that is wrong, as a sentence that does not show its value."""
    first = error.errors()[0]
    name = "_".join(str(part) for part in first["loc"]).upper()
    return f"REQTRAIL_{name}: {first['msg']}"


def write_private(path: Path, content: str) -> None:
    """Write *content* to *path* so that no other user can ever read it (mode 0600, replaced atomically)."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.touch(mode=0o600)
    temporary.write_text(content)
    temporary.replace(path)


@lru_cache
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return Settings()
