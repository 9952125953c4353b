"""The configuration file of an installation: what `quantrac up` starts there, and how it is reached.

`keys` is the table of what may stand in it, `configuration` reads it, `checking` asks the services whether
the values are good, `template` writes a commented one.
"""

from quantrac.local.configuration.configuration import FILE_NAME, Configuration
from quantrac.local.configuration.mistakes import ConfigurationError, Mistake

__all__ = ["FILE_NAME", "Configuration", "ConfigurationError", "Mistake"]
