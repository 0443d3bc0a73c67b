"""A rete associativa enters and updates its affiliates, many at once, and whoever speaks for it may do it."""
