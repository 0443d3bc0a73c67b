"""From a place name as a file writes it to keys that can be compared; pure and small, the resolver's alphabet."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

# Letters that Unicode does not decompose into a Latin letter and a mark.
_LETTERS = str.maketrans({"ß": "ss", "ẞ": "SS", "ø": "o", "Ø": "O", "đ": "d", "Đ": "D", "ł": "l", "Ł": "L"})
_APOSTROPHES = re.compile("['`´’‘ʼ′]")
_MOJIBAKE = re.compile("[ÂÃÄÅâ][\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ ¡-¿]")
_DIGITS = str.maketrans("015", "OIS")  # typed or scanned for letters, inside a word
LOST = "?"  # stands in a key for one character that the file lost
_LOST = re.compile("[?\ufffd¿□�]+")
_NOT_KEY = re.compile(r"[^A-Z0-9?]+")


def repaired(text: str) -> str:
    """Undo UTF-8 read as cp1252 or Latin-1 (`ForlÃ¬`), once; other text comes back as it is."""
    if not _MOJIBAKE.search(text):
        return text
    for encoding in ("cp1252", "latin-1"):
        try:
            return text.encode(encoding).decode("utf-8")
        except UnicodeError:
            continue
    return text


@lru_cache(maxsize=65536)
def words(text: str) -> tuple[str, ...]:
    """Upper-case ASCII words; accents and apostrophes gone, lost characters as `?`; an apostrophe ends a word."""
    text = _LOST.sub(LOST, repaired(text)).translate(_LETTERS)
    text = _APOSTROPHES.sub(" ", text)
    text = unicodedata.normalize("NFKD", text).upper()
    text = "".join(c for c in text if not unicodedata.combining(c))
    return tuple(w if w.isdigit() else w.translate(_DIGITS) for w in _NOT_KEY.split(text) if w)


def key(text: str, *, keep_spaces: bool = False) -> str:
    """The words as one string: what stays equal when spaces, dots, dashes, apostrophes, accents and case differ."""
    return (" " if keep_spaces else "").join(words(text))


# Small words that files drop, add or shorten; a folded name has none of them.
_SMALL = frozenset(
    "DI DEL DELLO DELLA DELLE DEI DEGLI DELL DE D DA DAL DALLA IN NEL NELLO NELLA NELLE NEI NEGLI NELL AL ALLO ALLA"  # noqa: SIM905
    " ALLE AI AGLI ALL SU SUL SULLO SULLA SULLE SUI SUGLI SULL CON E ED L LA LE LO IL I GLI".split()
)
_SAINTS = frozenset({"S", "SAN", "SANT", "SANTA", "SANTO", "SANTI", "SANTE", "SS", "STA", "STO", "ST"})


@lru_cache(maxsize=65536)
def folded(text: str, *, spaced: bool = False) -> str:
    """The key without small words, with every saint as S and every J as I; the whole key when nothing else is left."""
    kept = [("S" if w in _SAINTS else w.replace("J", "I")) for w in words(text) if w not in _SMALL]
    return (" " if spaced else "").join(kept or words(text))


def letters(text: str) -> int:
    """The letters of a key as bits: two keys within n edits differ in at most 2n bits."""
    mask = 0
    for c in text.upper():
        if "A" <= c <= "Z":
            mask |= 1 << (ord(c) - 65)
    return mask


def distance(a: str, b: str, limit: int) -> int:
    """Insertions, deletions, changes and swaps of neighbours between two keys; `limit` + 1 means more than limit."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        earlier, before, row = before, row, [i]
        for j, y in enumerate(b, 1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                best = min(best, earlier[j - 2] + 1)
            row.append(best)
        if min(row) > limit:
            return limit + 1
    return min(row[-1], limit + 1)
