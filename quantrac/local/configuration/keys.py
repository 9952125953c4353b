"""The keys of the configuration file, a row each: what they become, what the written file says of them."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

TierName = Literal["province", "ministry"]

Kind = Literal["text", "flag", "port", "file", "secret file", "secrets file", "tier"]
"""A file is a path relative to the configuration's folder; secret ones can be read by their owner only."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, ``section.key``.

    Its value becomes the ``variable`` of the services' settings, which check it; without one `up` uses it.
    """

    name: str
    comment: str
    """What the written file says above it."""
    example: Any
    """What the written file shows, commented out, where nothing was chosen."""
    variable: str = ""
    kind: Kind = "text"
    tiers: tuple[TierName, ...] = ()
    """The tiers that have it; none = those of its section, or both."""

    @property
    def section(self) -> str:
        """The first part of its name; of a key without a section its name."""
        return self.name.partition(".")[0]

    def is_of(self, tier: str) -> bool:
        """Tell whether a tier has it."""
        return tier in (self.tiers or _TIERS_OF_SECTION.get(self.section, get_args(TierName)))


SECTIONS = {
    "ftp": "FTP and, with a certificate, FTPS: where stations send their files.",
    "sftp": "SFTP: the same by SSH, one port and no passive ones.",
    "http": "HTTP: POST /v1/files of stations; at a ministry POST /v1/deliveries of provinces. Without a\n"
    "certificate plain HTTP, for a reverse proxy on this machine that ends TLS.",
    "api": "The REST API, for those with a key (`quantrac keys create`). HTTPS or plain HTTP, as above.",
    "clickhouse": "The database, on this machine only; a reverse proxy or ssh -L leads analysts to it.",
    "kafka": "The broker. It listens on this machine only.",
    "ministry": "The ministry that a province's flagged readings go to; without this section they do not.",
    "file_target": "Where station files are sent on to, for systems that know only files\n"
    "(docs/file-target.md). Without this section none are.",
    "notify": "Whom alerts are told (docs/alerts.md). Without this section nobody is.",
    "retention": "How many days messages stay in Kafka: how long a part may be away and still catch up.\n"
    "ClickHouse keeps readings, averages and the bytes of the files for good.",
    "settings": "Any other setting of the services, by its variable (services/*/README.md).\n"
    "Passwords stand in files of mode 0600, never here.",
}
"""Section → what the written file says above it. Keys of the last two are names of topics and variables."""

_TIERS_OF_SECTION: dict[str, tuple[TierName, ...]] = dict.fromkeys(
    ("ftp", "sftp", "ministry", "file_target"), ("province",)
)

KEYS = (
    Key(
        "tier",
        "What this installation is: a province, which has stations, or the ministry, which has provinces.",
        "province",
        kind="tier",
    ),
    Key(
        "ftp.listen",
        "Address: 127.0.0.1 is this machine only, 0.0.0.0 every IPv4 network, :: every network.",
        "127.0.0.1",
        "QUANTRAC_FTP_HOST",
    ),
    Key(
        "ftp.port",
        "A port below 1024 needs a system service (`quantrac service install`).",
        2121,
        kind="port",
    ),
    Key("ftp.announce", "What `quantrac status` tells: a name, name:port or a URL.", "files.example.org"),
    Key(
        "ftp.passive_ports",
        "Ports for data connections, first-last, to open in the firewall: 500 for 2,000 loggers at once.",
        "60000-60499",
        "QUANTRAC_FTP_PASSIVE_PORTS",
    ),
    Key(
        "ftp.public_address",
        "Address told to loggers for data connections, where this machine stands behind NAT.",
        "203.0.113.7",
        "QUANTRAC_FTP_PUBLIC_ADDRESS",
    ),
    Key(
        "ftp.certificate",
        "Certificate chain (PEM). Without one there is no TLS.",
        "tls/fullchain.pem",
        "QUANTRAC_FTP_CERTIFICATE",
        "file",
    ),
    Key(
        "ftp.key",
        "Its private key (PEM), where it is not in the same file.",
        "tls/privkey.pem",
        "QUANTRAC_FTP_KEY",
        "secret file",
    ),
    Key(
        "ftp.plain",
        "Who may send without TLS: allowed (everybody), per-account (plain_ftp in the registry), never.\n"
        "Default: allowed where FTP listens on this machine only, else per-account.",
        "per-account",
        "QUANTRAC_FTP_PLAIN",
    ),
    Key(
        "sftp.enabled",
        "Whether stations may send by SFTP (default: true).",
        True,
        "QUANTRAC_SFTP_ENABLED",
        "flag",
    ),
    Key("sftp.listen", "", "127.0.0.1", "QUANTRAC_SFTP_HOST"),
    Key("sftp.port", "", 2222, kind="port"),
    Key("sftp.announce", "", "files.example.org"),
    Key("http.listen", "", "127.0.0.1", "QUANTRAC_HTTP_HOST"),
    Key("http.port", "", 8021, kind="port"),
    Key("http.announce", "", "https://files.example.org"),
    Key(
        "http.certificate",
        "Certificate chain (PEM) of HTTPS, the ministry's door for deliveries too. Renewed ones are taken.",
        "tls/fullchain.pem",
        "QUANTRAC_HTTP_CERTIFICATE",
        "file",
    ),
    Key(
        "http.key",
        "Its private key (PEM), where it is not in the same file.",
        "tls/privkey.pem",
        "QUANTRAC_HTTP_KEY",
        "secret file",
    ),
    Key(
        "http.client_authority",
        "Of a ministry: certificates (PEM) that vouch for those of provinces, or are theirs. With it an\n"
        "account may log in by a certificate in place of a password.",
        "tls/provinces.pem",
        "QUANTRAC_HTTP_CLIENT_AUTHORITY",
        "file",
        ("ministry",),
    ),
    Key("api.listen", "", "127.0.0.1", "QUANTRAC_API_HOST"),
    Key("api.port", "", 8080, kind="port"),
    Key("api.announce", "", "https://api.example.org"),
    Key(
        "api.certificate",
        "Certificate chain (PEM) of the API's HTTPS; may be the same file.",
        "tls/fullchain.pem",
        "QUANTRAC_API_CERTIFICATE",
        "file",
    ),
    Key(
        "api.key",
        "Its private key (PEM), where it is not in the same file.",
        "tls/privkey.pem",
        "QUANTRAC_API_KEY",
        "secret file",
    ),
    Key("clickhouse.port", "", 8123, kind="port"),
    Key("clickhouse.announce", "", "https://sql.example.org"),
    Key(
        "clickhouse.analysts",
        "Whether there is a login for analysts, who may read and nothing else (default: true).",
        True,
        kind="flag",
    ),
    Key("kafka.port", "", 9092, kind="port"),
    Key(
        "ministry.url",
        "Address of the ministry's receiver.",
        "https://ministry.example.org",
        "QUANTRAC_MINISTRY_URL",
    ),
    Key(
        "ministry.account",
        "The account that the ministry gave us.",
        "province-hn",
        "QUANTRAC_MINISTRY_ACCOUNT",
    ),
    Key(
        "ministry.password_file",
        "File that holds its password, mode 0600.",
        "ministry-password",
        "QUANTRAC_MINISTRY_PASSWORD_FILE",
        "secret file",
    ),
    Key(
        "ministry.certificate",
        "Certificate chain (PEM) by which our account logs in, in place of the password.",
        "tls/account.pem",
        "QUANTRAC_MINISTRY_CERTIFICATE",
        "file",
    ),
    Key(
        "ministry.certificate_key",
        "Its private key (PEM), where it is not in the same file.",
        "tls/account-key.pem",
        "QUANTRAC_MINISTRY_CERTIFICATE_KEY",
        "secret file",
    ),
    Key(
        "ministry.name",
        "Name of the ministry as its receipts state it, the same at both (default: ministry).",
        "ministry",
        "QUANTRAC_MINISTRY_NAME",
        tiers=("province", "ministry"),
    ),
    Key(
        "ministry.keys",
        "Its public keys (a JWK Set), where they are not to be fetched from its address.",
        "ministry-keys.json",
        "QUANTRAC_MINISTRY_KEYS",
        "file",
    ),
    Key(
        "ministry.api_url",
        "Address of the ministry's REST API: what both have is compared every night.",
        "https://api.ministry.example.org",
        "QUANTRAC_MINISTRY_API_URL",
    ),
    Key(
        "ministry.api_key_file",
        "File that holds our key of that API, mode 0600.",
        "ministry-api-key",
        "QUANTRAC_MINISTRY_API_KEY_FILE",
        "secret file",
    ),
    Key(
        "ministry.authorities",
        "Certificates (PEM) to trust in place of the system's: authorities, or the ministry's own.",
        "tls/ministry-ca.pem",
        "QUANTRAC_MINISTRY_AUTHORITY",
        "file",
    ),
    Key("ministry.proxy", "HTTP proxy on the way there.", "http://proxy.example.org:3128", "HTTPS_PROXY"),
    Key(
        "file_target.url",
        "ftp://, ftps:// (TLS by AUTH TLS) or sftp://, then HOST:PORT/FOLDER below the account's own folder.",
        "sftp://files.example.org/hanoi",
        "QUANTRAC_FILE_TARGET_URL",
    ),
    Key("file_target.account", "Our account there.", "hanoi", "QUANTRAC_FILE_TARGET_ACCOUNT"),
    Key(
        "file_target.password_file",
        "File that holds its password, mode 0600.",
        "file-target-password",
        "QUANTRAC_FILE_TARGET_PASSWORD_FILE",
        "secret file",
    ),
    Key(
        "file_target.key",
        "Private key to log in with by SFTP, without passphrase, mode 0600.",
        "file-target-key",
        "QUANTRAC_FILE_TARGET_KEY",
        "secret file",
    ),
    Key(
        "file_target.known_hosts",
        "Keys of the SFTP server, as `ssh-keyscan` writes them; compare them with what its operator says.",
        "file-target-hosts",
        "QUANTRAC_FILE_TARGET_KNOWN_HOSTS",
        "file",
    ),
    Key(
        "file_target.authorities",
        "Certificate authorities (PEM) to trust for FTPS in place of the system's.",
        "tls/file-target-ca.pem",
        "QUANTRAC_FILE_TARGET_AUTHORITIES",
        "file",
    ),
    Key(
        "file_target.allow_plain",
        "Whether password and files may leave this machine by FTP without TLS (default: false).",
        False,
        "QUANTRAC_FILE_TARGET_ALLOW_PLAIN",
        "flag",
    ),
    Key(
        "file_target.stations",
        "Codes of the stations whose files are sent, separated by blanks (default: all).",
        "HN_BKHN_KHIKXQ HN_PHCH_NUOPCH",
        "QUANTRAC_FILE_TARGET_STATIONS",
    ),
    Key(
        "file_target.own_bytes",
        "Codes of the stations whose own files are sent as they came, whatever their flags.",
        "HN_PHCH_NUOPCH",
        "QUANTRAC_FILE_TARGET_OWN_BYTES",
    ),
    Key(
        "file_target.flags",
        "Flags of the readings that are sent. Calibrating and device errors are sent whatever their flag.",
        "good not-evaluated suspect",
        "QUANTRAC_FILE_TARGET_FLAGS",
    ),
    Key(
        "file_target.order",
        "Of a station's files: time (oldest first) or present-first (the last hour before older ones).",
        "time",
        "QUANTRAC_FILE_TARGET_ORDER",
    ),
    Key(
        "file_target.since",
        "First day of which anything is sent (default: that of the role's first start).",
        "2026-03-25",
        "QUANTRAC_FILE_TARGET_SINCE",
    ),
    Key(
        "notify.targets", "File of the people and programs.", "notify.yaml", "QUANTRAC_NOTIFY_CONFIG", "file"
    ),
    Key(
        "notify.secrets",
        "File of lines NAME=value for its secret_env and password_env, mode 0600.",
        "notify-secrets",
        kind="secrets file",
    ),
)

BY_NAME = {key.name: key for key in KEYS}

PORTS = {
    "ftp.port": "{tier}.ftp",
    "sftp.port": "{tier}.sftp",
    "http.port": "{tier}.receiver",
    "api.port": "{tier}.api",
    "clickhouse.port": "clickhouse",
    "kafka.port": "broker",
}
"""Key → the name of the port, as `--port` takes it."""

ROLE_SECTIONS = {
    "ministry": ("forwarder.forward", "forwarder.reconcile", "receiver.deliveries"),
    "file_target": ("forwarder.files",),
    "notify": ("aggregator.notify",),
}
"""Section → the only roles that get its variables; the first runs where the section is there.

`forwarder.reconcile` runs where it names the ministry's API.
"""
