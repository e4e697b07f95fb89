"""What counts as a credential in a message's head, and what stands in its place.

Knows the names under which secrets travel and the forms that well-known keys have; refuses to know records
and speed (`redaction.py`, which asks once for each line it has not seen). Bodies are not looked at.

A name decides for the whole value, whatever it looks like; a form decides for any value, whatever its name.
A name that is told to be kept is recorded as it came. Names in a query are compared after percent-decoding,
and a value whose decoded text has such a form is masked whole.
"""

import re
from typing import Final, Self
from urllib.parse import unquote_to_bytes

from pydantic import model_validator

from recording.documents import Model

MASK: Final = b"[redacted]"

SECRET_FIELDS: Final = frozenset(
    {
        b"authorization",
        b"proxy-authorization",
        b"authentication-info",
        b"proxy-authentication-info",
        b"cookie",
        b"cookie2",
        b"set-cookie",
        b"set-cookie2",
        b"x-auth",
        b"x-functions-key",
    }
)
SECRET_PARAMETERS: Final = frozenset(
    {b"auth", b"key", b"pass", b"pwd", b"sig", b"signature", b"x-amz-signature", b"x-goog-signature"}
)
# A challenge is no secret, and looks like one: `Basic realm="models"`.
CHALLENGES: Final = frozenset({b"www-authenticate", b"proxy-authenticate"})
SECRET_NAME: Final = re.compile(
    rb"(?:api|app|application|access|auth|private|subscription|signing|account|shared)[-_.]?key"
    rb"|token(?!s|[-_]?(?:count|limit|type))|secret|password|passwd|passphrase|credential"
    rb"|sess(?:ion)?[-_]?id|authorization|bearer|jwt",
    re.IGNORECASE,
)
SCHEME: Final = re.compile(
    rb"(?i:basic|bearer|digest|negotiate|ntlm|apikey|api-key|token|oauth|hawk|dpop|sharedkey|aws4-[a-z0-9-]+)"
    rb"(?=[ \t])"
)
_WORD = rb"(?<![A-Za-z0-9])"
KEY_FORMS: Final = (
    _WORD + rb"sk-[\w-]{16,}",
    _WORD + rb"[rs]k_(?:live|test)_\w{8,}",
    _WORD + rb"A(?:KI|SI)A[A-Z0-9]{12,}",
    _WORD + rb"gh[opsru]_\w{16,}",
    _WORD + rb"github_pat_\w{16,}",
    _WORD + rb"glpat-[\w-]{16,}",
    _WORD + rb"xox[abeoprs]-[\w-]{8,}",
    _WORD + rb"hf_\w{16,}",
    _WORD + rb"nvapi-[\w-]{16,}",
    _WORD + rb"AIza[\w-]{20,}",
    _WORD + rb"ya29\.[\w-]{10,}",
    _WORD + rb"eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)*",
)
_SCHEMED: Final = rb"(?i)" + _WORD + rb"(basic|bearer)([ \t]+)[^\s,;\"'<>&]{6,}"
_USERINFO: Final = rb"://[^/\s:@?#]*:[^/\s@?#]+@"
_PARAMETER: Final = re.compile(rb"[^&;#]+")


class RedactConfig(Model):
    """What is masked besides the defaults, and what is recorded in spite of them.

    `headers`, `query` and `keep` are names, in any case; `keep` holds for both kinds. `patterns` are regular
    expressions for values.
    """

    headers: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _patterns_compile(self) -> Self:
        for pattern in self.patterns:
            try:
                re.compile(pattern.encode())
            except re.error as error:
                raise ValueError(f"{pattern!r} is not a regular expression: {error}") from None
        return self


def _names(texts: tuple[str, ...]) -> frozenset[bytes]:
    return frozenset(text.lower().encode() for text in texts)


class Credentials:
    """The rules of one configuration, applied to one value at a time."""

    def __init__(self, config: RedactConfig) -> None:
        self._kept = _names(config.keep)
        self._fields = SECRET_FIELDS | _names(config.headers)
        self._parameters = SECRET_PARAMETERS | _names(config.query)
        extra = [pattern.encode() for pattern in config.patterns]
        self._schemed = re.compile(_SCHEMED)
        self._userinfo = re.compile(_USERINFO)
        self._forms = re.compile(b"|".join(b"(?:%b)" % form for form in (*KEY_FORMS, *extra)))

    def is_kept(self, name: bytes) -> bool:
        """Whether the field `name` (lower case) is recorded as it came."""
        return name in self._kept or name in CHALLENGES

    def is_secret(self, name: bytes) -> bool:
        """Whether the field `name` (lower case) is masked whatever it says."""
        return name in self._fields or SECRET_NAME.search(name) is not None

    def line(self, line: bytes) -> bytes:
        """One field line, without its line end."""
        name, colon, value = line.partition(b":")
        low = name.strip().lower()
        if not colon:
            return _PARAMETER.sub(self._parameter, self.text(line))
        if self.is_kept(low):
            return line
        if self.is_secret(low):
            return b"%b:%b" % (name, _masked(value))
        return b"%b:%b" % (name, self.text(value))

    def text(self, value: bytes) -> bytes:
        """A value of any name: keys of a known form, and secret parameters of a URL in it."""
        if b"?" in value:
            value = self.target(value)
        if b"://" in value:
            value = self._userinfo.sub(b"://%b@" % MASK, value)
        return self._formless(value)

    def target(self, target: bytes) -> bytes:
        """A path with its query."""
        path, mark, query = target.partition(b"?")
        return self._formless(path) + mark + _PARAMETER.sub(self._parameter, query)

    def _parameter(self, found: re.Match[bytes]) -> bytes:
        name, equals, value = found[0].partition(b"=")
        low = unquote_to_bytes(name.replace(b"+", b" ")).strip().lower()
        if low in self._kept:
            return found[0]
        if not equals:
            return self._formless(found[0])
        if low in self._parameters or SECRET_NAME.search(low):
            return name + equals + MASK
        plain = unquote_to_bytes(value.replace(b"+", b" "))
        return name + equals + (value if self._formless(plain) == plain else MASK)

    def _formless(self, value: bytes) -> bytes:
        return self._forms.sub(MASK, self._schemed.sub(rb"\1\2" + MASK, value))


def _masked(value: bytes) -> bytes:
    """` Bearer abc` as ` Bearer [redacted]`: the scheme stays, if it is one."""
    bare = value.strip(b" \t")
    scheme = SCHEME.match(bare)
    return b" %b %b" % (scheme[0], MASK) if scheme else b" %b" % MASK
