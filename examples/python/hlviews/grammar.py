"""Which records may follow each other. All readers are held to the same rules."""

from __future__ import annotations

from collections.abc import Mapping

from .batch import Row, describe_difference
from .errors import IncompatibleError, StreamError, TruncatedError
from .header import Header


class Grammar:
    """Header, batches, end, and again from the header on."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._is_inside = False
        self._batches_inside = 0
        self._samples_inside = 0
        self.layout: dict[str, Row] | None = None
        self.headers: list[Header] = []
        self.samples = 0

    def accept_header(self, header: Header) -> None:
        """Raises TruncatedError within a stream, IncompatibleError where it does not belong to those before."""
        if self._is_inside:
            raise self._unfinished("has a header where its end record should be")
        if self.headers:
            first = self.headers[0]
            for what, old, new in (
                ("generators", first.generator, header.generator),
                ("data sets", first.data, header.data),
            ):
                if old != new:
                    raise IncompatibleError(
                        f"{self._name} joins streams of different {what}: join streams that come from one source only"
                    )
        self.headers.append(header)
        self._is_inside = True
        self._batches_inside = self._samples_inside = 0

    def accept_batch(self, layout: Mapping[str, Row], count: int) -> None:
        """Raises StreamError outside of a stream, IncompatibleError where the tensors change."""
        self._require_header()
        if self.layout is not None and layout != self.layout:
            raise IncompatibleError(
                f"{self._name} changes its tensors after {self.samples} samples "
                f"({describe_difference(layout, self.layout)}): join streams with the same tensors only"
            )
        self.layout = dict(layout)
        self._batches_inside += 1
        self._samples_inside += count
        self.samples += count

    def accept_end(self, metadata: Mapping[str, str]) -> None:
        """Raises StreamError where the totals are others than what came."""
        self._require_header()
        try:
            batches, samples = (int(metadata[key]) for key in ("hl.batches", "hl.samples"))
        except (KeyError, ValueError):
            raise StreamError(f"the end record of {self._name} lacks its totals: make the stream again") from None
        if (batches, samples) != (self._batches_inside, self._samples_inside):
            raise StreamError(
                f"{self._name} has {self._samples_inside} samples in {self._batches_inside} batches where its end "
                f"record says {samples} in {batches}: records were lost, make it again"
            )
        self._is_inside = False

    def finish(self) -> None:
        """The input is over. Raises TruncatedError where there is no end record."""
        if self._is_inside:
            raise self._unfinished("ends without an end record")

    def unknown(self, kind: str | None) -> StreamError:
        """The error for a record of another kind than these."""
        if kind is None:
            return StreamError(
                f"{self._name} is not a stream (a record without hl.kind): give it the output of an hl program"
            )
        return IncompatibleError(f"{self._name} has a record of the unknown kind {kind}: use programs of one release")

    def _require_header(self) -> None:
        if not self._is_inside:
            after = " after an end record" if self.headers else ""
            raise StreamError(
                f"{self._name} has a record without a header before it{after}: it is only a part of a stream"
            )

    def _unfinished(self, what: str) -> TruncatedError:
        return TruncatedError(
            f"{self._name} {what} after {self.samples} samples: the program that wrote it failed or was stopped, "
            "run it again"
        )
