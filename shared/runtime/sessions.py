"""People at a browser: a session in a cookie, and forms that only our own pages can send.

The cookie holds a statement of the registry like a token's (ES256, the person, the level, the end), for another
audience: it is no bearer token, and a bearer token is no session. What a person may do is asked of their grants at each
request, so a mandate that ends ends here, too. Every form carries `form`, made from the cookie by a one-way function:
another site can neither read it nor make it (and the cookie is not sent with its posts, `SameSite=Lax`).

```python
@pages.get("/desk/{network}")
async def desk(network: str, at: Seated) -> Response: ...      # who is not signed in is sent to /sign-in and back

@pages.post("/desk/{network}/imports")
async def upload(network: str, at: Seated, file: UploadFile) -> Response: ...   # 403 without the right `form`
```
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import timedelta
from typing import Annotated
from urllib.parse import quote, unquote, urlsplit
from uuid import UUID

from fastapi import Depends, Request
from joserfc.jwk import ECKey
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from shared.access import tokens
from shared.access.roles import Level
from shared.access.tokens import TokenInvalid
from shared.runtime.edge import Edge, limited, the_edge
from shared.runtime.problems import problem

LIFETIME = timedelta(hours=8)
"""A working day. The statement cannot be taken back before; the grants behind it can."""
COOKIE = "trama-session"
GOING = "trama-going"
"""Cookie: which page somebody wanted who had to sign in first."""
GOING_SECONDS = 1800
SIGN_IN = "/sign-in"

form_stale = problem(
    "form-stale",
    403,
    it="La pagina è troppo vecchia\nTorna indietro, ricarica la pagina e invia di nuovo il modulo: non è stato fatto "
    "nulla.",
    en="The page is too old\nGo back, reload the page and send the form again: nothing has been done.",
    path="/form",
)


def _secure(at: Edge) -> bool:
    return at.context.settings.public_url.startswith("https:")


def cookie_name(at: Edge) -> str:
    """With the prefix a browser takes it over TLS only, and from this very host."""
    return f"__Host-{COOKIE}" if _secure(at) else COOKIE


def begin(answer: Response, at: Edge, key: ECKey, subject: UUID, level: Level, *, admin: bool = False) -> None:
    """Signs `subject` in at the browser that gets `answer`. Only the registry has the key."""
    issuer = at.context.settings.issuer
    held = tokens.sign(key, issuer, subject, level=level, admin=admin, lifetime=LIFETIME, audience=tokens.PAGES)
    answer.set_cookie(
        cookie_name(at),
        held,
        max_age=int(LIFETIME.total_seconds()),
        path="/",
        secure=_secure(at),
        httponly=True,
        samesite="lax",
    )


def end(answer: Response, at: Edge) -> None:
    answer.delete_cookie(cookie_name(at), path="/", secure=_secure(at), httponly=True, samesite="lax")


def form_of(at: Edge) -> str:
    """What the forms of this session must send back in their field `form`."""
    held = at.request.cookies.get(cookie_name(at), "")
    made = hmac.new(held.encode(), b"form", hashlib.sha256).digest()
    return base64.urlsafe_b64encode(made).decode().rstrip("=")


async def seated(request: Request) -> Edge:
    """The edge of a page for whoever is signed in; strangers are sent to sign in, and come back."""
    at = the_edge(request)
    await _identify(at)
    if at.identity is None:
        raise HTTPException(303, headers={"location": sign_in_for(request)})
    if request.method != "GET":
        await _require_form(at)
    return at


async def maybe_seated(request: Request) -> Edge:
    """The edge of a page that is for everybody; who is signed in is known."""
    at = the_edge(request)
    await _identify(at)
    return at


Seated = Annotated[Edge, Depends(seated)]
MaybeSeated = Annotated[Edge, Depends(maybe_seated)]


async def _identify(at: Edge) -> None:
    held = at.request.cookies.get(cookie_name(at))
    settings = at.context.settings
    try:
        identity = await at.context.sessions.verify(held) if held else None
    except TokenInvalid:
        identity = None
    if identity is None:
        limited(at, f"ip:{at.address}", settings.anonymous_per_minute)
        return
    limited(at, f"person:{identity.person_id}", settings.rate_per_minute)
    at.identity = identity


def require_own_site(at: Edge) -> None:
    """Refuses what a page of another site had a browser send, where no session is needed yet: it could sign somebody
    in as somebody else. Browsers say whence a request comes (Fetch Metadata); programs say nothing."""
    if at.request.headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        raise form_stale()


async def _require_form(at: Edge) -> None:
    given = (await at.request.form()).get("form")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), form_of(at).encode()):
        raise form_stale()


def sign_in_for(request: Request) -> str:
    """Where to sign in, and then back to what was asked for; a form that was being sent cannot be sent again."""
    wanted = request.url.path if request.method == "GET" else "/desk"
    if request.method == "GET" and request.url.query:
        wanted += f"?{request.url.query}"
    return f"{SIGN_IN}?next={quote(wanted, safe='')}"


def own_page(wanted: str | None) -> str | None:
    """The address, if it is a page of ours: nobody is sent elsewhere by a link that begins here."""
    if not wanted or not wanted.startswith("/") or wanted[:2] in ("//", "/\\") or not wanted.isprintable():
        return None
    parts = urlsplit(wanted)
    return wanted if not parts.scheme and not parts.netloc and "\\" not in wanted else None


def remember(answer: Response, at: Edge, wanted: str | None) -> None:
    """Notes where to go after signing in: the mailed link is opened in the same browser, in another tab."""
    if (page := own_page(wanted)) is not None:
        answer.set_cookie(
            GOING,
            quote(page),
            max_age=GOING_SECONDS,
            path="/",
            secure=_secure(at),
            httponly=True,
            samesite="lax",
        )


def onwards(at: Edge) -> RedirectResponse:
    """To where somebody wanted to go before they signed in, or to their desk."""
    page = own_page(unquote(at.request.cookies.get(GOING, ""))) or "/desk"
    answer = RedirectResponse(page, 303, {"cache-control": "no-store"})
    answer.delete_cookie(GOING, path="/")
    return answer
