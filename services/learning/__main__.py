from services.learning.app import service
from services.learning.settings import Settings
from shared.runtime import cli

cli.main(service, Settings)
