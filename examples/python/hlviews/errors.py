"""What can be wrong with a stream or a file. Messages say what happened and what to do."""

from __future__ import annotations


class StreamError(ValueError):
    """A stream or file is damaged, is of another kind, or was written as none may be."""


class TruncatedError(StreamError):
    """A stream stops without its end record: what wrote it has failed or was stopped."""


class IncompatibleError(StreamError):
    """In order, but of another version, of another kind, or of streams that do not belong together."""
