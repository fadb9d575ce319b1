"""The version of this package, that of the programs that it was made with."""

__version__ = "0.1.0"
