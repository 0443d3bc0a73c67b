"""From a place name as a real file writes it to the municipality of today, or to the reason why not.

The steps go from certain to less certain, and the answer says which one found it (`how`). No step chooses between two
municipalities: what fits more than one is answered with all of them and no choice. Every rule is about how names get
written, shortened or damaged; none knows a single place.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from shared.territories.areas import Area, Areas
from shared.territories.model import Municipality
from shared.territories.names import LOST, distance, folded, key, letters, words

if TYPE_CHECKING:
    from shared.territories.store import Territories

How = Literal[
    "exact",  # ISTAT's name, whole or in one of its languages, but for case, accents, apostrophes and punctuation
    "folded",  # the same with abbreviated saints or other small words
    "former",  # a name that the municipality had before
    "merged",  # a municipality suppressed since; the answer is its successor
    "moved",  # as one of these, in a province that the municipality has left since
    "lost",  # the only one that fits around characters that the file lost
    "partial",  # the only one whose name begins so, or that is so abbreviated
    "similar",  # the only one within few letters: a person should look at it
    "none",
]
Reason = Literal["", "empty", "abroad", "ambiguous", "uncertain", "elsewhere", "suppressed", "contradiction", "unknown"]

CERTAIN: frozenset[How] = frozenset({"exact", "folded", "former", "merged", "moved"})

_EXPLAINED: dict[Reason, tuple[str, str]] = {
    "": ("", ""),
    "empty": ("manca il nome del comune", "the municipality's name is missing"),
    "abroad": ("la provincia indicata è estera", "the given province is abroad"),
    "ambiguous": ("più comuni corrispondono: {}", "several municipalities fit: {}"),
    "uncertain": ("il nome da solo non basta; forse: {}", "the name alone is not enough; perhaps: {}"),
    "elsewhere": ("non è nel territorio indicato; altrove: {}", "not in the given territory; elsewhere: {}"),
    "suppressed": ("comune soppresso di cui non è noto il successore", "suppressed, and its successor is not known"),
    "contradiction": ("provincia e regione si contraddicono: {}", "province and region contradict each other: {}"),
    "unknown": ("nessun comune con questo nome", "no municipality of this name"),
}

OFFICIAL, OTHER, FORMER, SUPPRESSED = range(4)
_HOW: tuple[How, How, How, How] = ("exact", "exact", "former", "merged")
# Words that begin so many names that they tell nothing alone.
_GENERIC = frozenset(
    "S MONTE MONTI CASTEL CASTELLO CASTRO VILLA VILLE VAL VALLE VALLI BORGO PIEVE ROCCA TORRE PONTE CAMPO POGGIO"  # noqa: SIM905
    " SERRA CASA CASAL CASALE COLLE PIANO PIAN PORTO RIO TERRE CIVITA LAGO ISOLA FONTANA MASSA".split()
)
WITHIN_MEMORY = "1990"
LONG = 9  # letters from which on a name is hardly another one
_CACHED = 200_000  # answers kept; about 100 MB if all differ, then started anew
_PARTS = re.compile(r"\s*[/(),;|\[\]]\s*|\s+[-–—.]\s*|[-–—.]\s+|[.]$")
_SIGLA = re.compile(r"^(.*\w.*?)[\s(,/-]+([A-Za-z]{2})\)?\s*$")
_TITLE = re.compile(r"^\s*(comune|citt[aà]'?)\s+(di|del|della|dell')\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a name means. `municipality` is None when it is not certain which; then `reason` says why.

    `candidates` are the municipalities that fit when several do, or that bear the name outside the given territory.
    """

    municipality: Municipality | None
    how: How
    candidates: tuple[Municipality, ...] = ()
    reason: Reason = ""

    @property
    def certain(self) -> bool:
        """Whether the name itself was found, not only something like it."""
        return self.how in CERTAIN

    def explain(self, language: str = "it") -> str:
        """The reason for a person, in Italian or English; "" when there is a municipality."""
        text = _EXPLAINED[self.reason][0 if language == "it" else 1]
        return text.format(", ".join(f"{m.italian_name} ({m.province})" for m in self.candidates[:5])).strip()


@dataclass(frozen=True, slots=True)
class _Named:
    """One name of one municipality of today, with the sigla that it went with when it was in force."""

    municipality: Municipality | None
    rank: int
    sigla: str
    key: str
    spaced: str
    mask: int
    recent: bool  # no longer in force, but there are files that still have it

    def within(self, area: Area, *, now: bool) -> bool:
        """Whether its municipality is known and lies in the territory today, or (not `now`) did once."""
        return self.municipality is not None and area.holds(self.municipality, self.sigla, self.rank, now=now)


@dataclass(slots=True)
class _Pool:
    """The names of one territory, ready to be searched by pattern or by likeness."""

    names: list[_Named]
    exact: str = ""
    spaced: str = ""
    by_key: dict[str, list[_Named]] = field(default_factory=lambda: defaultdict(list))
    by_spaced: dict[str, list[_Named]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for n in self.names:
            self.by_key[n.key].append(n)
            self.by_spaced[n.spaced].append(n)
        self.exact = "\n".join(self.by_key)
        self.spaced = "\n".join(self.by_spaced)


class Resolver:
    """The index of all names, and the answers given so far; one per `Territories`."""

    def __init__(self, territories: Territories) -> None:
        self._areas = Areas(territories)
        self._exact: dict[str, list[_Named]] = defaultdict(list)
        self._folded: dict[str, list[_Named]] = defaultdict(list)
        self._damaged: dict[str, list[_Named]] = defaultdict(list)
        self._names: list[_Named] = []
        self._pools: dict[Area, _Pool] = {}
        self._answers: dict[tuple[str, str | None, str | None], Resolution] = {}
        self._fill(territories)

    def resolve(self, name: str, province: str | None = None, region: str | None = None) -> Resolution:
        """The municipality meant by `name`.

        `province` may be a sigla, an old one, a name or an ISTAT code, `region` a name or code; both may be missing or
        empty. A given province is never left, but for one that the municipality once belonged to (`how` is "moved" or
        less certain). A province that is no province is as if it was not given, and then only whole names count.
        """
        asked = (name, province, region)
        answer = self._answers.get(asked)
        if answer is None:
            if len(self._answers) >= _CACHED:
                self._answers.clear()
            answer = self._answers[asked] = self._resolve(name or "", province or "", region or "")
        return answer

    def _resolve(self, name: str, province: str, region: str) -> Resolution:
        if not letters(name):
            return Resolution(None, "none", (), "empty")
        area = self._areas.parse(province, region)
        if area.abroad:
            return Resolution(None, "none", (), "abroad")
        tried = [name, *self._without_title(name)]
        for text in tried:
            if answer := self._hinted(text, area) or self._whole(text, area) or self._in_parts(text, area):
                return self._consistent(answer, area)
        # The name as it stands is that of another, elsewhere: then the territory is wrong, and likeness would lie.
        elsewhere = {n.municipality for n in self._exact.get(key(name), ()) if n.municipality and n.rank <= OTHER}
        if elsewhere:
            return Resolution(None, "none", _sorted(elsewhere), "elsewhere")
        for text in tried:
            if answer := self._less_certain(text, area):
                return self._consistent(answer, area)
        if any(n.municipality is None and area.held(n.sigla) for n in self._exact.get(key(name), ())):
            return Resolution(None, "none", (), "suppressed")
        return Resolution(None, "none", (), "unknown")

    def _less_certain(self, text: str, area: Area) -> Resolution | None:
        if area.unreadable:
            return None
        return self._lost(text, area) or self._partial(text, area) or self._similar(text, area)

    def _whole(self, text: str, area: Area) -> Resolution | None:
        """The name found as such: as written, then folded; in the territory, then among those that have left it."""
        steps: tuple[tuple[dict[str, list[_Named]], str, How | None], ...] = (
            (self._exact, key(text), None),
            (self._folded, folded(text), "folded"),
            (self._damaged, key(text), "lost"),
        )
        for index, made, how in steps:
            if how == "folded" and _telling_nothing(text):
                continue
            if how == "lost" and not area.given and len(made) < LONG:
                continue
            for now in (True, False):
                found = [n for n in index.get(made, ()) if n.within(area, now=now)]
                if found:
                    return self._chosen(found, area, how=how, now=now)
        return None

    def _chosen(self, found: list[_Named], area: Area, *, how: How | None, now: bool) -> Resolution:
        best = min(n.rank for n in found)
        fits = {n.municipality for n in found if n.rank == best and n.municipality}
        if not area.given:
            # Without a province it may as well be one that was renamed or suppressed within memory.
            fits |= {n.municipality for n in found if n.recent and n.municipality}
        if best >= FORMER and not (area.given and any(n.recent for n in found)):
            # Someone who shortens a standing municipality's name may happen to write an old one of another.
            fits |= {m for n in found for m in self._longer(n.spaced, area)}
        if len(fits) > 1:
            return Resolution(None, "none", _sorted(fits), "ambiguous")
        if best == SUPPRESSED and area.wide and len(found[0].key) < LONG and not any(n.recent for n in found):
            # Short and long gone, in all Italy: there are hamlets of the same name that no list has.
            return Resolution(None, "none", _sorted(fits), "uncertain")
        named = how if how and best <= OTHER else _HOW[best]
        return Resolution(fits.pop(), named if now or named == "lost" else "moved")

    def _in_parts(self, text: str, area: Area) -> Resolution | None:
        """A name with something beside it: the other language (whole or cut), or a place inside the municipality."""
        parts = [p for p in _PARTS.split(text) if letters(p)]
        if len(parts) < 2:
            return None
        answers = [answer for part in parts if (answer := self._whole(part, area))]
        found = {m for a in answers for m in ((a.municipality,) if a.municipality else a.candidates)}
        if len(found) > 1:
            return Resolution(None, "none", _sorted(found), "ambiguous")
        if not found:
            return None
        one = found.pop()
        cut = key(one.name).startswith(key(text))  # a column of fixed width cut the second language
        return Resolution(one, answers[0].how if len(answers) == len(parts) or cut else "partial")

    def _hinted(self, text: str, area: Area) -> Resolution | None:
        """Where no province is given, the sigla that ends the name itself: "CASTRO (LE)", "MILANO MI"."""
        found = _SIGLA.match(text)
        if area.given or not found or key(text) in self._exact:
            return None
        inner = self._areas.parse(found[2], "")
        return self._whole(found[1], inner) if inner.given else None

    def _lost(self, text: str, area: Area) -> Resolution | None:
        """Characters lost on the way (`?`): each stands for at most two of a key, and the rest must fit exactly."""
        made = key(text)
        if LOST not in made or len(made.replace(LOST, "")) < 3:
            return None
        pool = self._pool(area)
        pattern = re.compile("^" + made.replace(LOST, "[A-Z]{0,2}") + "$", re.MULTILINE)
        return self._only([n for k in pattern.findall(pool.exact) for n in pool.by_key[k]], "lost")

    def _partial(self, text: str, area: Area) -> Resolution | None:
        """A name cut short, or whose words are abbreviated, when only one municipality of the territory is named so."""
        made, full = words(folded(text, spaced=True)), key(text)
        pool = self._pool(area)
        if len(full) >= 20:  # a column of fixed width cut it: no shorter name is cut in real files
            cut = re.compile("^" + re.escape(full) + ".*$", re.MULTILINE)
            if answer := self._only([n for k in cut.findall(pool.exact) for n in pool.by_key[k]], "partial"):
                return answer
        if LOST in full or _telling_nothing(text):
            return None
        # Of a saint alone there are too many, also as places without a municipality of their own.
        if area.given and len("".join(made)) >= 5 and (longer := self._longer(" ".join(made), area)):
            if made[0] == "S" and len(made) < 3:
                return Resolution(None, "none", _sorted(longer), "ambiguous" if len(longer) > 1 else "uncertain")
            return _one(longer, "partial")
        if len(made) < 2 or len("".join(made)) < (6 if area.given else 10):
            return None
        short = re.compile("^" + " ".join(re.escape(w) + "[A-Z]*" for w in made) + "$", re.MULTILINE)
        return self._only([n for k in short.findall(pool.spaced) for n in pool.by_spaced[k]], "partial")

    def _longer(self, spaced: str, area: Area) -> set[Municipality]:
        """The standing municipalities of the territory whose folded name begins with these whole words."""
        pattern = re.compile("^" + re.escape(spaced) + " .*$", re.MULTILINE)
        pool = self._pool(area)
        found = [n for k in pattern.findall(pool.spaced) for n in pool.by_spaced[k]]
        return {n.municipality for n in found if n.municipality and n.rank == OFFICIAL}

    def _similar(self, text: str, area: Area) -> Resolution | None:
        """The only name within one or two letters, and no other within two more; over all Italy only long names."""
        made = key(text).replace(LOST, "")
        limit = sum(len(made) >= enough for enough in ((5, 10) if area.given else (LONG,)))
        if not limit or _telling_nothing(text):
            return None
        margin = limit + 2
        mask = letters(made)
        near: dict[Municipality, int] = {}
        for n in self._pool(area).names:
            if abs(len(n.key) - len(made)) <= margin and (mask ^ n.mask).bit_count() <= 2 * margin and n.municipality:
                far = distance(made, n.key, margin)
                if far <= margin:
                    near[n.municipality] = min(far, near.get(n.municipality, far))
        ranked = sorted(near.items(), key=lambda item: item[1])
        if not ranked or ranked[0][1] > limit:
            return None
        if len(ranked) > 1 and ranked[1][1] < ranked[0][1] + 2:
            return Resolution(None, "none", _sorted(m for m, far in ranked if far <= ranked[0][1] + 1), "ambiguous")
        return Resolution(ranked[0][0], "similar")

    def _only(self, found: Iterable[_Named], how: How) -> Resolution | None:
        """The one municipality among these names; names in force count before those that are not."""
        named = [n for n in found if n.municipality]
        for ranks in ((OFFICIAL, OTHER), (FORMER, SUPPRESSED)):
            fits = {n.municipality for n in named if n.rank in ranks and n.municipality}
            if fits:
                return _one(fits, how)
        return None

    def _consistent(self, answer: Resolution, area: Area) -> Resolution:
        if answer.municipality and not self._areas.agrees(answer.municipality, area):
            return Resolution(None, "none", (answer.municipality,), "contradiction")
        return answer

    def _without_title(self, name: str) -> Iterator[str]:
        rest = _TITLE.sub("", name)
        if rest != name and letters(rest):
            yield rest

    def _fill(self, territories: Territories) -> None:
        for m in territories.municipalities:
            official = {m.name, m.italian_name}
            for name in official | {m.other_name} - {""}:
                self._add(m, OFFICIAL if name in official else OTHER, m.province, name, "")
        for former in territories.former:
            successors = [territories.municipality(c) for c in former.successor.split()]
            rank = FORMER if successors and successors[0] and successors[0].code == former.code else SUPPRESSED
            for one in successors or [None]:
                self._add(one, rank, former.sigla, former.name, former.until)

    def _add(self, m: Municipality | None, rank: int, sigla: str, name: str, until: str) -> None:
        made, small = key(name), folded(name, spaced=True)
        one = _Named(m, rank, sigla, made, small, letters(made), until >= WITHIN_MEMORY)
        self._names.append(one)
        self._exact[made].append(one)
        self._folded[small.replace(" ", "")].append(one)
        if not name.isascii():
            for other in _respelled(name):
                self._folded[folded(other)].append(one)
                self._exact[key(other)].append(one)
            lost = key("".join(c for c in name if c.isascii()))
            if len(lost) > 2 and lost != made:
                self._damaged[lost].append(one)

    def _pool(self, area: Area) -> _Pool:
        """The names of municipalities in the territory or once in it; kept, because there are few territories."""
        pool = self._pools.get(area)
        if pool is None:
            inside = [n for n in self._names if n.within(area, now=True) or n.within(area, now=False)]
            pool = self._pools[area] = _Pool(inside)
        return pool


def _respelled(name: str) -> Iterator[str]:
    """German vowels as they are written without an umlaut."""
    spelled = unicodedata.normalize("NFC", name)
    for vowel, plain in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ä", "Ae"), ("Ö", "Oe"), ("Ü", "Ue")):
        spelled = spelled.replace(vowel, plain)
    if spelled != name:
        yield spelled


def _telling_nothing(text: str) -> bool:
    """Whether nothing but words that begin hundreds of names is left ("VALLE", "MONTE SAN")."""
    return all(w in _GENERIC for w in words(folded(text, spaced=True)))


def _one(fits: set[Municipality], how: How) -> Resolution:
    if len(fits) > 1:
        return Resolution(None, "none", _sorted(fits), "ambiguous")
    return Resolution(next(iter(fits)), how)


def _sorted(municipalities: Iterable[Municipality | None]) -> tuple[Municipality, ...]:
    return tuple(sorted((m for m in municipalities if m), key=lambda m: (m.italian_name, m.code)))
