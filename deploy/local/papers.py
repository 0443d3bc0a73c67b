"""Papers for tests and for the demo: PDFs of exactly so many bytes, with Italian text on every page.

They are made by hand so that the size can be exact: what is left over is filled by an attachment-like stream that no
page uses, of bytes that do not compress, as pictures in real documents are.
"""

from __future__ import annotations

import random
import textwrap
from collections.abc import Sequence

PLAN_OF_LECCO: tuple[tuple[str, int, str], ...] = (
    ("Piano di zona 2021-2023, Ambito di Lecco", 630_000, "Il piano di zona programma i servizi sociali dell'ambito."),
    (
        "Analisi dei bisogni del territorio",
        3_660_000,
        "La popolazione anziana cresce e la prossimità si allarga.",
    ),
    ("Obiettivi e azioni", 2_290_000, "Gli obiettivi riguardano la domiciliarità, la casa e il lavoro."),
    ("Progettualità sovrazonali", 5_750_000, "La progettualità sovrazonale unisce tre ambiti e i loro consorzi."),
    ("Accordo di programma", 4_700_000, "I comuni sottoscrivono l'accordo di programma per la gestione associata."),
    (
        "Valutazione del triennio precedente",
        450_000,
        "La valutazione mostra ciò che è raggiunto e ciò che manca.",
    ),
    ("Sistema di governo e tavoli", 1_340_000, "L'assemblea dei sindaci, l'ufficio di piano e i tavoli tematici."),
)
"""Title, bytes and a sentence of each of the seven documents of the plan of Lecco: 18.82 MB in all."""

HEIGHT, LINE, FIRST = 842, 16, 780
WIDTH = 88  # characters of a line


def pdf(title: str, pages: Sequence[str], size: int | None = None) -> bytes:
    """A PDF 1.4 with one page for each text; of exactly `size` bytes, if that is given. Raises ValueError when the text
    alone takes more."""
    whole = _written(title, pages, b"")
    if size is None:
        return whole
    with_none = len(_written(title, pages, b"", filled=True))
    filling = size - with_none
    for _ in range(4):  # the figures in the file that tell its length grow with it
        if filling < 0:
            raise ValueError(f"{title}: the text alone takes {with_none} bytes, more than {size}")
        made = _written(title, pages, _noise(title, filling), filled=True)
        if len(made) == size:
            return made
        filling += size - len(made)
    raise ValueError(f"{title}: no PDF of {size} bytes can be made")


def paper(title: str, size: int, sentence: str, pages: int = 12) -> bytes:
    """A paper of so many pages: its title and sentence, and what such papers say."""
    return pdf(
        title,
        [
            f"{title}\n\n{sentence}\n\n{FILLER[number % len(FILLER)]}\n\nPagina {number + 1} di {pages}"
            for number in range(pages)
        ],
        size,
    )


FILLER = (
    "I servizi sociali dell'ambito accompagnano le persone anziane, le famiglie e i minori, con gli enti del Terzo "
    "settore, le aziende sanitarie e le comunità che vi abitano.",
    "La coprogettazione con le associazioni e le cooperative definisce gli interventi, le risorse e i tempi; il tavolo "
    "di sistema ne verifica i risultati ogni sei mesi.",
    "Le case della comunità sono il luogo in cui il bisogno incontra la risposta: accoglienza, presa in carico, "
    "continuità assistenziale e prossimità.",
    "Il fondo comune, alimentato dai comuni e dalle fondazioni, sostiene la conciliazione fra lavoro e cura e "
    "l'abitare accessibile.",
)


def _written(title: str, pages: Sequence[str], filling: bytes, *, filled: bool = False) -> bytes:
    kids = " ".join(f"{5 + 2 * number} 0 R" for number in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (it-IT) >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title " + _string(title) + b" >>",
    ]
    for number, text in enumerate(pages):
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 {HEIGHT}] /Contents {6 + 2 * number} 0 R"
            " /Resources << /Font << /F1 3 0 R >> >> >>".encode()
        )
        objects.append(_stream(_page(text)))
    if filled:
        objects.append(_stream(filling))
    return _assembled(objects)


def _page(text: str) -> bytes:
    lines = [line for paragraph in text.split("\n") for line in textwrap.wrap(paragraph, WIDTH) or [""]]
    shown = b"".join(_string(line) + b" Tj T*\n" for line in lines[: FIRST // LINE])
    return b"BT /F1 11 Tf %d TL 50 %d Td\n%bET" % (LINE, FIRST, shown)


def _string(text: str) -> bytes:
    said = text.encode("cp1252", "replace")
    return b"(" + said.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"


def _stream(content: bytes) -> bytes:
    return b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content)


def _noise(title: str, count: int) -> bytes:
    """The same for the same paper, and without a word that a PDF has."""
    return random.Random(title).randbytes(count).replace(b"e", b"_")  # noqa: S311 (filling, no secret)


def _assembled(objects: Sequence[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info 4 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, table)
    return bytes(out)
