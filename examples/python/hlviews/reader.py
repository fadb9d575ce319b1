"""Reads a stream from its beginning to its end, and makes sure that it is whole."""

from __future__ import annotations

from collections.abc import Iterator
from types import TracebackType

from .batch import Batch, regroup
from .errors import StreamError, TruncatedError
from .frames import FrameDecoder, FrameReader
from .grammar import Grammar
from .header import Header
from .records import Record, decode
from .sources import Input, Source


class StreamReader:
    """Iterates over the batches of a stream as they lie in it; `batches` regroups them.

        with StreamReader("views.hls") as stream:
            for batch in stream.batches(256):
                z = batch["z.0"]  # float32 [256, n, m]

    Several streams that were joined, as by `cat a.hls b.hls`, are read as one; each batch says of which its samples are
    (`Batch.parts`). What is iterated over to its end is whole: a stream that is truncated, damaged or of a command that
    failed raises an error.
    """

    def __init__(self, source: Source) -> None:
        """Reads the header; waits for it if need be.

        Raises OSError where the source cannot be opened, StreamError where it is no stream, IncompatibleError for
        another version.
        """
        self._input = Input(source)
        self._grammar = Grammar(self.name)
        self._frames = FrameReader(self._input.file, self.name)
        self._decoder = FrameDecoder()
        self._failure: BaseException | None = None
        self._is_at_end = False
        try:
            first = self._record()
            if first is None:
                raise self._explained(TruncatedError(f"{self.name} is empty: the program before it failed"))
            if first.metadata.get("hl.kind") != "header":
                if first.metadata.get("hl.kind") in ("batch", "end"):
                    raise StreamError(f"{self.name} does not begin with a header: it is only a part of a stream")
                raise self._grammar.unknown(first.metadata.get("hl.kind"))
            self._grammar.accept_header(Header.parse(first, self.name))
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        """What is read, for messages."""
        return self._input.name

    @property
    def header(self) -> Header:
        """The first header."""
        return self._grammar.headers[0]

    @property
    def headers(self) -> list[Header]:
        """Those of all streams that are joined in this one, as far as it has been read."""
        return list(self._grammar.headers)

    @property
    def samples(self) -> int:
        """Samples read so far."""
        return self._grammar.samples

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        """The next samples, never none of them. After a failure every call fails."""
        if self._failure is not None:
            raise self._failure
        try:
            batch = self._advance()
        except Exception as error:
            self._failure = error
            raise
        if batch is None:
            raise StopIteration
        return batch

    def batches(self, size: int, drop_last: bool = False) -> Iterator[Batch]:
        """The samples that are left in batches of `size`, fewer in the last one, which `drop_last` leaves out."""
        return regroup(self, size, drop_last)

    def _advance(self) -> Batch | None:
        grammar = self._grammar
        while not self._is_at_end:
            record = self._record()
            if record is None:
                try:
                    grammar.finish()
                except TruncatedError as error:
                    raise self._explained(error) from None
                self._is_at_end = True
                self._input.finish()
                break
            metadata = dict(record.metadata)
            kind = metadata.pop("hl.kind", None)
            if kind == "header":
                grammar.accept_header(Header.parse(record, self.name))
            elif kind == "batch":
                batch = Batch(record.tensors, (), metadata)
                grammar.accept_batch(batch.layout(), batch.count)
                if batch.count:
                    batch.parts = ((grammar.headers[-1], batch.count),)
                    return batch
            elif kind == "end":
                grammar.accept_end(metadata)
            else:
                raise grammar.unknown(kind)
        return None

    def _record(self) -> Record | None:
        try:
            frame = self._frames.next()
        except TruncatedError as error:
            raise self._explained(error) from None
        return None if frame is None else decode(self._decoder.content(frame, self.name), self.name)

    def _explained(self, error: TruncatedError) -> TruncatedError:
        """The error, with what became of the command."""
        status = self._input.status()
        return error if status is None else TruncatedError(f"{error} ({status})")

    def close(self) -> None:
        """Closes what was opened here, and stops the command of a Command. What is left of the stream is lost."""
        self._input.close()

    def __enter__(self) -> StreamReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
