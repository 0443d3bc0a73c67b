"""What is final is not emptied away either, and a report's own row says for ever what was made.

Triggers for rows do not see TRUNCATE, which would take what they hold all at once, and by a cascade, too.
"""

from alembic import op

revision = "0016"
down_revision = "0015"

FINAL = ("quorums", "ballots", "decisions", "minutes", "minutes_files", "report_files", "synthesis_versions")
MADE = (
    "id", "network_id", "series_id", "project_id", "number", "title", "language", "chapters", "empty",
    "document_sha256", "sha256", "made_at",
)  # fmt: skip
"""What a report's row says of what was made. Who made it is not in it: of two records of one person one goes."""


def upgrade() -> None:
    for table in (*FINAL, "reports"):
        op.execute(
            f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {table} FOR EACH STATEMENT"
            " EXECUTE FUNCTION refuse_change()"
        )
    before, after = (", ".join(f"{row}.{name}" for name in MADE) for row in ("old", "new"))
    op.execute(
        "CREATE TRIGGER reports_made BEFORE UPDATE ON reports FOR EACH ROW"
        f" WHEN (({before}) IS DISTINCT FROM ({after})) EXECUTE FUNCTION refuse_change()"
    )
    op.execute("CREATE TRIGGER reports_final BEFORE DELETE ON reports FOR EACH ROW EXECUTE FUNCTION refuse_change()")
