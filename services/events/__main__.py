from services.events.app import service
from services.events.settings import Settings
from shared.runtime import cli

cli.main(service, Settings)
