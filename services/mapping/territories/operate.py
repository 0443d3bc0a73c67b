"""`python -m services.mapping municipalities FILE`: apply ISTAT's newer list of municipalities.

FILE is a list of ISTAT's as downloaded: SITUAS, or the "Elenco dei comuni italiani", as CSV with semicolons. It is
compared with the municipalities in force and shown: which are new, which ended, which were renamed, moved or numbered
anew. Applied, every service follows within seconds, and what lay in a municipality that ended lies in its successor.
Applied again it changes nothing. Where a municipality went the list does not say: ISTAT's list of variations does
(`--variations`), or the operator (`--successor A001=B002`); what is guessed from names is applied with `--guess` only.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from services.mapping.presences.commands import take_turn
from services.mapping.settings import Settings
from services.mapping.territories import commands
from services.mapping.territories.updates import Plan, Refused
from shared.access.actor import day
from shared.runtime import logs
from shared.runtime.clock import Clock
from shared.runtime.database import Database
from shared.runtime.settings import SettingsError
from shared.territories import Change, Listed, NotSituas, read_situas, read_variations

FAILED, BAD_SETTINGS = 1, 2
KINDS = {
    "added": "nuovo",
    "removed": "soppresso",
    "renamed": "nuovo nome",
    "moved": "altra provincia",
    "recoded": "altri codici",
}


def main(argv: Sequence[str]) -> None:
    """Ends the process: 0, 1 (the list cannot be applied), 2 (bad settings or usage)."""
    given = _parser().parse_args(argv)
    try:
        settings = Settings.load()
    except SettingsError as error:
        print(error, file=sys.stderr)  # noqa: T201 (an operator reads it)
        sys.exit(BAD_SETTINGS)
    logs.configure("mapping", settings.log_level)
    try:
        new = read_situas(_text(given.file))
        variations = read_variations(_text(given.variations)) if given.variations else {}
        for line in asyncio.run(_run(settings, given, new, variations)):
            print(line)  # noqa: T201
    except (OSError, NotSituas, Refused) as error:
        print(said(error), file=sys.stderr)  # noqa: T201
        sys.exit(FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m services.mapping municipalities",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="ISTAT's list of the municipalities in force")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    parser.add_argument("--since", type=date.fromisoformat, help="day of effect (YYYY-MM-DD); today when not said")
    parser.add_argument("--variations", type=Path, help="ISTAT's list of variations: where those went that ended")
    parser.add_argument("--successor", action="append", default=[], metavar="CODE=CODE[,CODE]", type=_successor)
    parser.add_argument("--guess", action="store_true", help="apply also the successors that are only guessed")
    return parser


def _successor(text: str) -> tuple[str, tuple[str, ...]]:
    gone, equals, into = text.upper().replace(" ", "").partition("=")
    if not gone or not equals or not into:
        raise argparse.ArgumentTypeError("CODE=CODE[,CODE]: C056=M439")
    return gone, tuple(into.split(","))


def _text(path: Path) -> str:
    """ISTAT writes UTF-8 with a BOM, and its older lists in the code page of western Europe."""
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="strict")


async def _run(
    settings: Settings, given: argparse.Namespace, new: Sequence[Listed], variations: Mapping[str, Sequence[str]]
) -> list[str]:
    database = Database(settings.database_url, name="trama-mapping-cli", statement_timeout=3600)
    now = Clock(settings.clock_file).now()
    try:
        async with database.sessions() as session:
            since = given.since or day(now)
            wanted = await planned(session, new, since, dict(given.successor), variations)
            if given.dry_run or not wanted.updates:
                return list(report(wanted))
            require_known(wanted, guess=given.guess)
            await commands.apply(session, wanted, now)
            await session.commit()
            return [*report(wanted), f"Applicate {len(wanted.updates)} variazioni con decorrenza {since}."]
    finally:
        await database.dispose()


async def planned(
    session: AsyncSession,
    new: Sequence[Listed],
    since: date,
    stated: Mapping[str, Sequence[str]],
    variations: Mapping[str, Sequence[str]],
) -> Plan:
    """Planned under the turn of the presences, so that two operators come one after the other."""
    await take_turn(session)
    return await commands.planned(session, new, since, stated=stated, variations=variations)


def require_known(wanted: Plan, *, guess: bool) -> None:
    """Raises Refused while nobody has said where a municipality went."""
    if wanted.unknown:
        raise Refused(
            "non si sa dove siano confluiti (--variations o --successor)",
            "where these went is not known (--variations or --successor)",
            wanted.unknown,
        )
    if wanted.guessed and not guess:
        raise Refused(
            "il successore è solo dedotto dal nome: controllare con --dry-run e ripetere con --guess",
            "the successor is only guessed from names: look with --dry-run, and repeat with --guess",
            wanted.guessed,
        )


def report(wanted: Plan) -> Iterator[str]:
    """A line for each change, in Italian, for the operator."""
    if not wanted.changes:
        yield "Nessuna variazione: l'elenco equivale ai dati in vigore."
    for change in wanted.changes:
        yield _line(change, wanted)


def _line(change: Change, wanted: Plan) -> str:
    was, now = change.was, change.now
    said = f"{KINDS[change.kind]:16} {change.code}"
    match change.kind:
        case "added":
            return f"{said} {now.name} ({now.province})" if now else said
        case "removed":
            went = wanted.went.get(change.code)
            into = f"-> {', '.join(went.successors)} [{went.how}]" if went else "-> ?"
            return f"{said} {was.name} ({was.province}) {into}" if was else said
    if was is None or now is None:
        return said
    shown = {
        "renamed": (was.name, now.name),
        "moved": (f"{was.name} {was.province}", now.province),
        "recoded": (f"{was.name} {was.istat} {was.nuts3}", f"{now.istat} {now.nuts3}"),
    }[change.kind]
    return f"{said} {shown[0]} -> {shown[1]}"


def said(error: Exception) -> str:
    if isinstance(error, Refused):
        return "\n".join([error.it, error.en, *([" ".join(error.codes)] if error.codes else [])])
    if isinstance(error, NotSituas):
        where = (
            f"mancano le colonne {', '.join(error.missing)}" if error.missing else f"riga {error.line}: {error.column}"
        )
        return f"Non è un elenco dell'ISTAT: {where}"
    return str(error)
