"""The variables of events: those that every service has."""

from shared.runtime.settings import ServiceSettings


class Settings(ServiceSettings):
    pass
