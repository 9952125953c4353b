"""How the workers of `make test` share the tests: a file each, those of the whole stack together."""

from xdist.scheduler import LoadScopeScheduling

STACK = "tests/e2e/"
"""The folder whose tests share one stack."""


class FileScheduling(LoadScopeScheduling):
    """Hands out files in the order of collection; one worker has all tests of the whole stack."""

    def _split_scope(self, nodeid: str) -> str:
        return STACK if nodeid.startswith(STACK) else nodeid.partition("::")[0]
