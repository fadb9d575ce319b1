"""Where the bytes of a stream come from: files, pipes, and commands that are started for it."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Union

from .errors import StreamError


@dataclass(frozen=True)
class Command:
    """A command whose standard output is a stream: a line for the shell, or the words of a single program.

    `{shard}` in it becomes K/N, for `hl-sample --shard {shard}`: every reader that shares the stream with others starts
    the command for a part of its own. It gets no standard input; its messages go to ours.
    """

    command: str | Sequence[str]

    PLACEHOLDER = "{shard}"

    @property
    def is_shardable(self) -> bool:
        """Whether the command can be started for a part of the samples."""
        return self.PLACEHOLDER in self.text

    @property
    def text(self) -> str:
        """For messages."""
        return self.command if isinstance(self.command, str) else shlex.join(self.command)

    def shard(self, index: int, count: int) -> Command:
        """The command for part `index` of `count`, 0/1 for the whole."""
        value = f"{index}/{count}"
        if isinstance(self.command, str):
            return Command(self.command.replace(self.PLACEHOLDER, value))
        return Command([word.replace(self.PLACEHOLDER, value) for word in self.command])


Source = Union[str, "os.PathLike[str]", BinaryIO, Command]
"""A path, "-" for standard input, an open binary file or pipe, or a Command."""


def is_seekable_file(source: Source) -> bool:
    """Whether it is a path of a regular file, which several may read at a time and in any order.

    Raises FileNotFoundError for a path that does not exist.
    """
    return isinstance(source, (str, os.PathLike)) and source != "-" and stat.S_ISREG(os.stat(source).st_mode)


class Input:
    """Bytes of a source, opened."""

    def __init__(self, source: Source) -> None:
        """Raises OSError where it cannot be opened, StreamError for a terminal."""
        self._process: subprocess.Popen[bytes] | None = None
        self._is_ours = True
        if isinstance(source, Command):
            command = source.shard(0, 1)
            self.name = f"the output of '{command.text}'"
            self._process = subprocess.Popen(
                command.command if isinstance(command.command, str) else list(command.command),
                shell=isinstance(command.command, str),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                bufsize=1 << 20,
                start_new_session=True,  # so that all programs of a pipeline can be stopped together
            )
            assert self._process.stdout is not None
            self.file: BinaryIO = self._process.stdout  # type: ignore[assignment]
        elif source == "-":
            self.name, self.file, self._is_ours = "stdin", sys.stdin.buffer, False
        elif isinstance(source, (str, os.PathLike)):
            self.name, self.file = os.fspath(source), open(source, "rb", buffering=1 << 20)
        else:
            name = getattr(source, "name", None)
            self.name, self.file, self._is_ours = name if isinstance(name, str) else "the pipe", source, False
        if getattr(self.file, "isatty", bool)():
            raise StreamError(f"{self.name} is a terminal: pipe a stream into it, as in hl-sample | python3 ...")

    def finish(self) -> None:
        """All bytes have been read. Raises StreamError where the command failed."""
        if self._process is not None and (status := self._process.wait()):
            raise StreamError(f"{self.name} is whole, but the command ended with {_described(status)}: see its message")

    def status(self) -> str | None:
        """How the command ended that stopped within its stream, for messages."""
        if self._process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return _described(self._process.wait(timeout=1))
        return None

    def close(self) -> None:
        """Closes what was opened here. A command that is still writing is stopped, with all programs of its
        pipeline."""
        if self._is_ours:
            self.file.close()
        if self._process is None:
            return
        # A closed pipe ends the hl programs with their next record; others get a signal.
        for number, patience in ((0, 0.5), (signal.SIGTERM, 5), (signal.SIGKILL, None)):
            if number:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(timeout=patience)
                return


def _described(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"signal {-status}"
