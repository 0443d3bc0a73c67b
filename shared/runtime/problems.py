"""RFC 9457 problems: what went wrong, in the caller's language, and what would be accepted instead.

A slice names its domain errors in `rules.py` as plain exceptions and says once, in `routes.py`, which problem each is:

```python
problems = {
    SeatTaken: problem("seat-taken", 409, it="Seggio occupato fino al {until}", en="Seat taken until {until}"),
    "networks_slug": problem("slug-taken", 409, it="…", en="…", path="slug"),     # a constraint of the database
}
```
The texts may use the exception's attributes; `path`, `code` and `accepted` of `errors[0]` come from attributes of these
names, when the exception has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

LANGUAGES = ("it", "en")
TYPES = "urn:trama:problem:"
"""Prefix of the `type` of every problem."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong value: where (`/tax_code`, `?limit`, `If-Match`), a stable code, and what would be accepted."""

    path: str
    code: str
    accepted: Any = None

    def json(self) -> dict[str, Any]:
        return {"path": self.path, "code": self.code, "accepted": self.accepted}


class Problem(Exception):
    """A problem ready to be answered. Texts are given in Italian and English; `type` is a stable slug."""

    def __init__(
        self,
        type: str,  # noqa: A002 (the name of RFC 9457)
        status: int,
        *,
        it: str,
        en: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> None:
        super().__init__(en)
        self.type, self.status, self.errors = type, status, tuple(errors)
        self.titles = {"it": it, "en": en}
        self.headers = dict(headers or {})
        self.more = more

    def body(self, language: str = "it") -> dict[str, Any]:
        title, _, detail = self.titles[language].partition("\n")
        known = {"type": TYPES + self.type, "title": title, "status": self.status}
        if detail:
            known["detail"] = detail
        if self.errors:
            known["errors"] = [error.json() for error in self.errors]
        return {**known, **self.more}

    def response(self, language: str = "it") -> Response:
        headers = {**self.headers, "content-language": language, "cache-control": "no-store"}
        content = orjson.dumps(self.body(language), default=str)
        return Response(content, self.status, headers, media_type="application/problem+json")


ProblemOf = Callable[[BaseException], Problem]
Problems = Mapping["type[BaseException] | str", ProblemOf]
"""What each domain error, or each named constraint of the database, is to the caller."""


@dataclass(frozen=True)
class Catalogued:
    """One type of problem with its texts; the first line is the title, the rest the detail."""

    type: str
    status: int
    it: str
    en: str
    path: str | None = None
    code: str | None = None
    accepted: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, exception: BaseException | None = None, **values: Any) -> Problem:
        # of a database's error only our own texts are told: its attributes are the driver's
        own = {} if exception is None or isinstance(exception, SQLAlchemyError) else vars(exception)
        known = {**own, **values}
        path = self.path if self.path is not None else known.get("path")
        code = self.code or known.get("code") or self.type
        errors = known.get("errors") or ()
        if path is not None and not errors:
            errors = [FieldError(str(path), str(code), known.get("accepted", self.accepted))]
        shown = {name: _shown(value) for name, value in known.items()}
        return Problem(
            self.type,
            self.status,
            it=_filled(self.it, shown),
            en=_filled(self.en, shown),
            errors=errors,
            headers={**self.headers, **known.get("headers", {})},
            **known.get("more", {}),
        )


CATALOGUE: dict[str, Catalogued] = {}
"""Every type of problem that this process can answer, by type."""


def problem(
    type: str,  # noqa: A002
    status: int,
    *,
    it: str,
    en: str,
    path: str | None = None,
    code: str | None = None,
    accepted: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Catalogued:
    """A type of problem. `{name}` in a text is the exception's attribute `name`; a type means one status everywhere."""
    made = Catalogued(type, status, it, en, path, code, accepted, headers or {})
    before = CATALOGUE.setdefault(type, made)
    if before.status != status:
        raise ValueError(f"the problem {type} has status {before.status} already, not {status}")
    return made


def _shown(value: Any) -> Any:
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(map(str, value))
    return value


def _filled(text: str, values: Mapping[str, Any]) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: str(values.get(name[1], "")), text)


class NotFound(Exception):
    """Nothing by that id, or nothing that the caller may know of."""


class NotYetKnown(Exception):
    """Something referred to has not arrived from its service yet; the edge tries again for 2 s, then answers 409."""

    def __init__(self, path: str = "", what: str = "") -> None:
        super().__init__(what)
        self.path, self.what = path, what


class Stale(Exception):
    """The caller changed a version that is no longer the current one."""

    def __init__(self, current: int) -> None:
        super().__init__(f"the current version is {current}")
        self.current = current
        self.headers = {"etag": f'"{current}"'}


def expect(expected: int | None, current: int) -> None:
    """For commands: the version that the caller saw (`at.if_match()`) is still the current one, or Stale."""
    if expected is not None and expected != current:
        raise Stale(current)


class Invalid(Exception):
    """A value that the schema allows and the domain does not; `accepted` says what it would take."""

    def __init__(self, path: str, code: str, accepted: Any = None) -> None:
        super().__init__(f"{path}: {code}")
        self.errors = [FieldError(path, code, accepted)]


unauthenticated = problem(
    "unauthenticated",
    401,
    it="Occorre identificarsi\nQuesta richiesta vuole un token valido o una chiave API.",
    en="Identification needed\nThis request wants a valid token or an API key.",
    headers={"www-authenticate": "Bearer"},
)
token_expired = problem(
    "token-expired",
    401,
    it="Il token è scaduto\nAccedere di nuovo per averne un altro.",
    en="The token has expired\nSign in again to get another one.",
    headers={"www-authenticate": 'Bearer error="invalid_token"'},
)
token_invalid = problem(
    "token-invalid",
    401,
    it="Il token non è valido\nServe un token di questa piattaforma, rilasciato per essa.",
    en="The token is not valid\nA token issued by this platform and for it is needed.",
    headers={"www-authenticate": 'Bearer error="invalid_token"'},
)
key_invalid = problem(
    "key-invalid",
    401,
    it="La chiave API non è valida\nÈ sconosciuta, scaduta o revocata: chiederne un'altra alla segreteria della rete.",
    en="The API key is not valid\nIt is unknown, expired or revoked: ask the network's secretariat for another.",
    headers={"www-authenticate": 'Bearer error="invalid_token"'},
)
origin_refused = problem(
    "origin-refused",
    403,
    it="Origine non ammessa\nLa chiave API non si può usare da questo sito.",
    en="Origin not allowed\nThe API key may not be used from this site.",
    path="Origin",
)
forbidden = problem(
    "forbidden",
    403,
    it="Non consentito\nManca il diritto «{right}», che è di: {roles}.",
    en="Not allowed\nThe right “{right}” is missing; it belongs to: {roles}.",
)
not_found = problem(
    "not-found",
    404,
    it="Non trovato\nNon c'è nulla a questo indirizzo, o non è visibile.",
    en="Not found\nThere is nothing at this address, or nothing that may be seen.",
)
network_unknown = problem(
    "network-unknown",
    404,
    it="Rete sconosciuta\nNessuna rete ha questo nome breve o identificativo.",
    en="Unknown network\nNo network has this slug or id.",
)
method_not_allowed = problem(
    "method-not-allowed",
    405,
    it="Metodo non ammesso\nQui si possono usare: {accepted}.",
    en="Method not allowed\nHere these can be used: {accepted}.",
)
not_acceptable = problem(
    "not-acceptable",
    406,
    it="Formato non disponibile\nSi può avere: {accepted}.",
    en="Format not available\nThese can be had: {accepted}.",
    path="Accept",
)
not_yet_known = problem(
    "not-yet-known",
    409,
    it="Non ancora noto\nCiò a cui si fa riferimento non è ancora arrivato a questo servizio: riprovare tra poco.",
    en="Not known yet\nWhat is referred to has not reached this service yet: try again soon.",
    headers={"retry-after": "2"},
)
conflict = problem(
    "conflict",
    409,
    it="In conflitto con ciò che c'è\nUn valore che deve essere unico esiste già, o un riferimento manca.",
    en="In conflict with what is there\nA value that must be unique exists already, or a reference is missing.",
)
idempotency_in_progress = problem(
    "idempotency-in-progress",
    409,
    it="La stessa richiesta è in corso\nUna richiesta con questa Idempotency-Key non è ancora finita.",
    en="The same request is under way\nA request with this Idempotency-Key has not finished yet.",
    path="Idempotency-Key",
    headers={"retry-after": "2"},
)
stale = problem(
    "version-mismatch",
    412,
    it="Qualcuno ha cambiato l'oggetto nel frattempo\nRileggerlo e ripetere con il nuovo ETag.",
    en="Somebody changed it meanwhile\nRead it again and repeat with the new ETag.",
    path="If-Match",
    code="stale",
)
too_large = problem(
    "too-large",
    413,
    it="Richiesta troppo grande\nSi accettano al massimo {accepted} byte.",
    en="Request too large\nAt most {accepted} bytes are accepted.",
    path="",
)
unsupported_media_type = problem(
    "unsupported-media-type",
    415,
    it="Tipo di contenuto non ammesso\nSi accetta: {accepted}.",
    en="Content type not allowed\nAccepted: {accepted}.",
    path="Content-Type",
)
invalid = problem(
    "invalid",
    422,
    it="Richiesta non valida\n`errors` dice quali valori e che cosa si accetta.",
    en="Invalid request\n`errors` says which values, and what is accepted.",
)
idempotency_reused = problem(
    "idempotency-key-reused",
    422,
    it="Idempotency-Key già usata\nLa stessa chiave ha accompagnato una richiesta diversa.",
    en="Idempotency-Key already used\nThe same key came with a different request.",
    path="Idempotency-Key",
    code="reused",
    accepted="a new key for a new request",
)
if_match_missing = problem(
    "if-match-missing",
    428,
    it="Manca If-Match\nDire quale versione si vuole cambiare, con l'ETag dell'ultima lettura.",
    en="If-Match is missing\nSay which version is to be changed, with the ETag of the last read.",
    path="If-Match",
    code="missing",
    accepted='"<version>"',
)
rate_limited = problem(
    "rate-limited",
    429,
    it="Troppe richieste\nIl limite è di {accepted} richieste al minuto.",
    en="Too many requests\nThe limit is {accepted} requests a minute.",
    path="",
)
internal = problem(
    "internal",
    500,
    it="Errore interno\nL'errore è stato registrato con il codice di `correlation`.",
    en="Internal error\nThe error has been recorded under the code in `correlation`.",
)
unavailable = problem(
    "unavailable",
    503,
    it="Servizio momentaneamente non disponibile\nNulla è andato perso: riprovare tra poco.",
    en="Service not available for the moment\nNothing is lost: try again soon.",
    headers={"retry-after": "5"},
)
link_expired = problem(
    "link-expired",
    410,
    it="Il collegamento è scaduto\nChiederne un altro da dove si è ricevuto questo.",
    en="The link has expired\nAsk for another where this one came from.",
)
link_used = problem(
    "link-used",
    410,
    it="Il collegamento è già stato usato\nVale una volta sola: se serve, chiederne un altro.",
    en="The link has been used already\nIt works once: ask for another if needed.",
)
link_invalid = problem(
    "link-invalid",
    400,
    it="Il collegamento non è valido\nControllare di averlo copiato per intero.",
    en="The link is not valid\nCheck that it was copied whole.",
)


def language_of(accept_language: str | None) -> str:
    """The first known language of `Accept-Language` by weight; Italian otherwise."""
    if not accept_language:
        return "it"
    best, weight = "it", 0.0
    for part in accept_language[:200].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            q = float(quality) if quality else 1.0
        except ValueError:
            q = 0.0
        language = tag.strip().lower().split("-")[0]
        if language in LANGUAGES and q > weight:
            best, weight = language, q
    return best
