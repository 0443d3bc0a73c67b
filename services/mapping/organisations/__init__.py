"""Organisations that turn out to be duplicates of others."""
