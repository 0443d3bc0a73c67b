import sys

from services.registry.app import service
from services.registry.erasures import operate
from services.registry.settings import Settings
from shared.runtime import cli

if sys.argv[1:2] == ["erasures"]:
    operate.main(sys.argv[2:])
else:
    cli.main(service, Settings)
