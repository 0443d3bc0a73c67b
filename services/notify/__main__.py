from services.notify.app import service
from services.notify.settings import Settings
from shared.runtime import cli

cli.main(service, Settings)
