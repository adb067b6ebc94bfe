"""Hides secrets in texts that others wrote: log lines, reasons of failures, labels. Pure.

A text is redacted as a whole, before it is cut, taken apart or stored: of half a key nobody can tell what it is.
What a token looks like is published by who issues it; the formats are those of the rules of gitleaks and of the
documentation of the issuers (tests/model_telling/secrets.tsv names one for each).
"""

from __future__ import annotations

import re
from functools import lru_cache

HIDDEN = "[redacted]"

# RFC 7468, "Textual Encoding of PKIX"; of one that was cut off nothing behind it is shown.
_PEM = re.compile(
    r"-----BEGIN[ A-Z]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END[ A-Z]*PRIVATE KEY[ A-Z]*-----|\Z)"
    # PuTTY's own format (PuTTY User Manual, appendix "PPK file format").
    r"|(?<=\nPrivate-Lines: )\d+\n.*?(?=\nPrivate-|\Z)",
    re.S,
)

_PLACEHOLDER = r"""(?!\\*["']?(?:<[^>\s]{0,20}>|\[[A-Z_]{1,12}\]
    |(?:None|null|nil|not|required|missing|invalid|incorrect|expired|\*{3,}
        |\$\{[A-Z][A-Z0-9_]{1,60}\}|\$[A-Z][A-Z0-9_]{2,60}|\{\{[^{}]{1,60}\}\})(?=[\s"',;)}\]\\]|$)))"""
"""What stands in place of a secret is none, nor what tokenizers call their special tokens: `<s>`, `[UNK]`, `None`."""

_QUOTED = r"""(?P<{0}>\\*["'])(?:(?!(?P={0}))(?:\\.|.))+"""
"""A value up to the quote it began with, which may be an escaped one: JSON within JSON."""

_PLAIN = r"""[^\s"',;&\\]+"""

_NAMED = re.compile(
    rf"""
    (?P<name>
        (?:(?<!:)secret(?:[_-]?value)? | passw(?:or)?d | passphrase | [_-]pass | (?<![a-z])pwd(?!["']?\s*[=:]\s*["']?/)
           | (?<!next)(?<!next[_-])(?<!request)(?<!request[_-])(?<!continuation)(?<!pagination)(?<!idempotency)token
           | signature(?=\\*["']?\s*=)
           | (?:api|access|account|secret|private|admin|app|routing|shared|signing|encryption|master|auth)[_-]?key)
        \\*["']?                       # the name may be quoted
        (?:\s*[=:]\s* | (?=["'\s])["']?\s+value\s*=\s*)
    ){_PLACEHOLDER}(?:{_QUOTED.format("quote")} | {_PLAIN})
    | (?P<option>(?<![\w-])--?[\w-]{{0,60}}(?:password|passwd|passphrase|token|secret|api[_-]?key)
        \\*(?:["']\s*,\s*|\s+))
      {_PLACEHOLDER}(?!-)(?:{_QUOTED.format("mark")} | {_PLAIN})
    | (?P<said>passw(?:or)?d\s+(?:is|was)\s+ | api[ ]key\s+(?:is\s+)?)(?=[^\s,]*\d)[^\s"',;]{{6,}}
    | (?P<secret>secret_?access_?key\s+)[A-Za-z0-9/+]{{40}}
    | (?P<command>\b(?:docker|podman|helm(?:\s+registry)?)\s+login\b[^\n|;]{{0,200}}?\s(?-i:-p)[ ]?
        | \bsshpass\s+-p\s* | \bredis-cli\b[^\n|;]{{0,100}}?\s-a\s+
        | \bwandb\s+login\s+(?:--\S+\s+)*(?=[a-f0-9]{{40}}\b)
        | \bmysql(?:dump|admin)?\s(?:[^\n|;]{{0,100}}\s)?(?-i:-p)(?=\S))[^\s"']+
    | (?P<element><(?:\w{{1,20}}:)?\w{{0,40}}(?:passw(?:or)?d|secret|token|api_?key)>)[^<\s]+(?=<)
    | (?P<identified>\bidentified\s+by\s+)["'][^"'\n]+
    | (?P<user>(?:\s-u|--user)[ =][^\s:]+:)[^\s"']+
    | (?P<authorization>authorization\\*["']?\s*[:=]\s*\\*["']?)(?:[a-z]+[ ])?[^\s"',\\]+
    | (?P<cookie>\bcookie["']?\s*[:=]\s*)[^\n]+
    | \b(?:Bearer|Basic)\s+(?=\S*[\d=.-])[A-Za-z0-9._~+/=-]{{8,}}
    | (?P<weak>(?<![\w-])(?:[\w-]{{0,60}}[_-])?(?:key|session|sid|sig|signature|code|auth|credentials?|pat)
        \\*["']?\s*[=:]\s*\\*["']?)(?=[^\s"'&]*\d)[A-Za-z0-9+/_%~=-]{{14,}}(?![\w/.:])
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""What is called a secret, and then its value; of weak names (`key`, `code`) only a long value with a digit."""

_KEPT = (
    "name",
    "option",
    "said",
    "secret",
    "command",
    "element",
    "identified",
    "user",
    "authorization",
    "cookie",
    "weak",
)

_PLACES = re.compile(
    r"""
    (?<=://)(?!git@)[^\s/?\#"']+(?=@)
    | \bhttps://hooks\.slack(?:-gov)?\.com/\S+
    | \bhttps://[a-z0-9.-]+\.webhook\.office\.com/\S+
    | \bhttps://discord(?:app)?\.com/api/webhooks/\S+
    """,
    re.VERBOSE,
)
"""Passwords in addresses, and addresses that are secrets themselves."""

_LONG = re.compile(r"[A-Za-z0-9_.~+/=-]{10}")
"""No token is shorter: a text without such a run need not be looked at any further."""

_TOKENS = re.compile(
    r"""(?<![A-Za-z0-9])(?:
    (?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}\b(?:[\s:,;|/"'=]{1,6}[A-Za-z0-9/+]{40}(?![A-Za-z0-9/+]))?
    | ABSK[A-Za-z0-9+/=]{60,} | bedrock-api-key-[A-Za-z0-9+/=]{20,}
    | (?:IQoJ|FwoG|FQoG)[A-Za-z0-9+/=]{40,} | A3-[A-Z0-9]{6}-[A-Z0-9-]{20,} | ops_eyJ[\w+/=-]{20,} | p8e-[a-z0-9]{32}
    | AGE-SECRET-KEY-1[A-Z0-9]{58} | pat[A-Za-z0-9]{14}\.[a-f0-9]{64} | LTAI[A-Za-z0-9]{16,} | sk-[A-Za-z0-9_-]{20,}
    | sk_[a-f0-9]{48} | (?:[sr]k|pk)_(?:live|test|prod)_[A-Za-z0-9]{10,} | AKCp[A-Za-z0-9]{60,}
    | cmVmd[A-Za-z0-9]{50,} | ATATT3[\w=-]{60,} | ATBB[A-Za-z0-9]{24,} | authress_[\w.-]{40,}
    | [\w~.]{3}\dQ~[\w~.-]{31,34} | 4b1d[A-Za-z0-9]{38} | CLOJARS_[a-z0-9]{60} | v1\.0-[a-f0-9]{24}-[a-f0-9]{100,}
    | d(?:api|ose|kea|sapi)[a-f0-9]{32} | dckr_[op]at_[\w-]{20,} | AC[a-f0-9]{32}:[a-f0-9]{32} | key-[a-f0-9]{32}\b
    | [a-f0-9]{32}-us\d{1,2}\b | [MNO][A-Za-z\d_-]{23,25}\.[\w-]{6}\.[\w-]{27,38}
    | do[opr]_v1_[a-f0-9]{64} | dp\.(?:pt|st|ct|sa|scim|audit)\.[\w.-]{20,}
    | duffel_(?:test|live)_[\w=-]{40,} | dt0c01\.[A-Za-z0-9]{24}\.[A-Za-z0-9]{64} | EZ[AT]K[A-Za-z0-9]{50,}
    | EAA[A-Za-z0-9]{80,} | FLW(?:PUB|SEC)K[_-][\w-]{20,} | fo1_[\w-]{40,} | fio-u-[\w=-]{60,} | AIza[\w-]{35}
    | GOCSPX-[\w-]{20,} | ya29\.[\w.-]{20,} | gh[a-z]_[A-Za-z0-9]{30,} | github_pat_\w{30,}
    | gl(?:cbt|dt|ffct|ft|imt|agent|oas|pat|ptt|rt|soat)-[\w-]{20,} | GR1348941[\w-]{20} | gl(?:c|sa)_[\w+/=]{30,}
    | pat\.[\w-]{20,}\.[\w.-]{20,} | [a-z0-9]{14}\.atlasv1\.[\w=-]{60,} | HRKU-[\w-]{40,} | hf_[A-Za-z0-9]{20,}
    | api_org_[A-Za-z0-9]{30,} | ico-[A-Za-z0-9]{30,} | s-s4t2\w{2}-[a-f0-9]{60,} | eyJ[\w-]{8,}\.[\w-]+\.[\w-]*
    | eyJ[\w+/=-]{30,} | lin_api_[A-Za-z0-9]{36,} | live_[a-f0-9]{32,} | pk\.[a-z0-9]{60}\.[a-z0-9]{22}
    | [A-Za-z0-9]{6}_[A-Za-z0-9]{29}_mmk | NR(?:II|AK|JS|AL|RA)-[A-Za-z0-9-]{19,} | ntn_[A-Za-z0-9]{40,}
    | npm_[A-Za-z0-9]{36} | API-[A-Z0-9]{26} | sha256~[\w-]{43} | pplx-[A-Za-z0-9]{40,}
    | pscale_(?:tkn|oauth|pw)_[\w=.-]{30,} | PMAK-[a-f0-9]{24}-[a-f0-9]{34} | pnu_[A-Za-z0-9]{36} | pul-[a-f0-9]{40}
    | pypi-AgEIcHlwaS5vcmc[\w-]{40,} | rdme_[a-z0-9]{60,} | rubygems_[a-f0-9]{48} | tk-us-[\w-]{40,}
    | SG\.[\w-]{16,}\.[\w-]{16,} | xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16} | sntry[su]_[\w+/=]{40,}
    | sm_(?:aat|pat)_[A-Za-z0-9]{16,} | shippo_(?:live|test)_[a-fA-F0-9]{40} | shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}
    | xapp-[\w-]{5,} | xox[a-z](?:\.xox[a-z])?-[\w-]{5,} | sgp_[A-Za-z0-9_]{30,} | sq0[a-z]{3}-[\w-]{22,}
    | SK[a-f0-9]{32} | tfp_[\w-]{50,} | hv[bsr]\.[\w-]{24,} | AQVN[\w-]{35,} | YC[\w-]{38} | dnkey-[\w=-]{50,}
    | gsk_[A-Za-z0-9]{40,} | xai-[A-Za-z0-9]{60,} | lsv2_(?:pt|sk)_[\w-]{30,} | nvapi-[\w-]{40,} | r8_[A-Za-z0-9]{30,}
    | figd_[\w-]{30,}
    | (?<!SHA256:)(?<!_)(?<!base64,)(?<!Request\ ID:\ )(?!_Z)(?=(?:[A-Za-z_]{0,40}\d{1,40}[A-Za-z_]{1,40}){3})
        (?=\w{0,60}[A-Z])(?=\w{0,60}[a-z])[A-Za-z0-9_]{36,}
    )""",
    re.VERBOSE,
)
"""How the tokens of the usual issuers look; at last what looks like nothing else: 36 characters of all kinds mixed."""


@lru_cache(maxsize=4096)
def redacted(text: str) -> str:
    """Return a text with `[redacted]` in place of each secret: `--db-password [redacted] --epochs 3`."""
    if len(text) < len("pwd=1"):
        return text
    found = _NAMED.sub(_without_value, _PEM.sub(HIDDEN, text))
    if "://" in found:
        found = _PLACES.sub(HIDDEN, found)
    return _TOKENS.sub(HIDDEN, found) if _LONG.search(found) else found


def _without_value(found: re.Match[str]) -> str:
    kept = next((found[name] for name in _KEPT if found[name]), "")
    return f"{kept}{found['quote'] or found['mark'] or ''}{HIDDEN}"
