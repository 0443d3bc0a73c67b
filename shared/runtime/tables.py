"""The runtime's own tables, in every service's database."""

from sqlalchemy import MetaData

metadata = MetaData()
