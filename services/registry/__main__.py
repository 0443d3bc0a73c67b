from services.registry.app import service
from services.registry.settings import Settings
from shared.runtime import cli

cli.main(service, Settings)
