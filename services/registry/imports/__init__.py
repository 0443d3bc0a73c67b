"""Import of organisations from the spreadsheets that people really have: preview, commit, a report per row."""
