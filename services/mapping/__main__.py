import sys

from services.mapping.app import service
from services.mapping.settings import Settings
from services.mapping.territories import operate
from shared.runtime import cli

if sys.argv[1:2] == ["municipalities"]:
    operate.main(sys.argv[2:])
else:
    cli.main(service, Settings)
