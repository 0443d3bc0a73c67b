"""The variables of mapping: those that every service has."""

from shared.runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    pass
