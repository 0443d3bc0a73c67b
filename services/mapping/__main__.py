from services.mapping.app import service
from services.mapping.settings import Settings
from shared.runtime import cli

cli.main(service, Settings)
