from tests.runtime.conftest import database, network, running, secretary, start

__all__ = ["database", "network", "running", "secretary", "start"]
