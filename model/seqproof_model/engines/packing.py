"""Packing a state into one machine word, bijectively, so that arrays of states can be sorted, compared and kept.

A state of up to 64 bits is one unsigned word. A wider one, up to 106 bits, is split over the two halves of a complex
number, 53 bits each, which a double holds exactly; numpy sorts and searches complex numbers by their real part and then
by their imaginary part, so all that works on words works on them. What is wider still is refused.

Requests under way and whether the server is up lie in the lowest bits: they combine freely with everything else, so
that states that differ in them alone are neighbours (``visited.py`` lives from that). A value too large for its bits
is an error, never a wrong neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from seqproof_model.bounded import Bounded, Variable
from seqproof_model.engines.arrays import Array, narrowest
from seqproof_model.network import CORRECT
from seqproof_model.scope import ScopeError
from seqproof_model.state import Kind

Words = NDArray[Any]  # of np.uint64, or of np.complex128 where states are wide
WORD = np.uint64
NARROW, HALF = 64, 53


class Place(NamedTuple):
    """Where a variable lies: in which half (0 where there is one word), from which bit, how many bits."""

    half: int
    offset: int
    width: int


class Layout:
    """The places of a model's variables. Raises ScopeError where a state is too wide."""

    def __init__(self, bounded: Bounded) -> None:
        self.bounded = bounded
        top = bounded.scope.messages if bounded.definition is CORRECT else bounded.scope.messages + 1
        self._seq_bits = top.bit_length()
        self.seq_type = narrowest((2 * bounded.scope.messages + 2).bit_length())
        self.set_type = narrowest(bounded.scope.messages + 1)
        ordered = sorted(bounded.variables, key=lambda v: not (v.name == "up" or v.name.startswith("requests")))
        widths = {v.name: self._width(v) for v in ordered}
        self.kinds = {v.name: v.kind for v in ordered}
        self.bits = sum(widths.values())
        self.wide = self.bits > NARROW
        self.places = self._place(widths)
        self.type: type[Any] = np.complex128 if self.wide else WORD

    def _width(self, variable: Variable) -> int:
        if variable.kind is Kind.SET:
            return 1 if self.bounded.scope.follow else self.bounded.scope.messages
        return 1 if variable.kind is Kind.FLAG else self._seq_bits

    def _place(self, widths: Mapping[str, int]) -> dict[str, Place]:
        places: dict[str, Place] = {}
        half = offset = 0
        for name, width in widths.items():
            if self.wide and offset + width > HALF:
                half, offset = half + 1, 0
            if half > 1 or width > (HALF if self.wide else NARROW):
                raise ScopeError(
                    f"a state of {self.bounded.scope.describe()} takes {self.bits} bits, and {2 * HALF} is the most; "
                    f"take fewer phones, messages or slots, or follow one message with --follow"
                )
            places[name] = Place(half, offset, width)
            offset += width
        return places

    # ---------------------------------------------------------------- halves

    def halves(self, words: Words) -> list[NDArray[np.uint64]]:
        """The machine words of some states: one array or two."""
        if not self.wide:
            return [words]
        pairs = words.view(np.float64).reshape(-1, 2)  # real, imaginary
        return [pairs[:, 1].astype(WORD), pairs[:, 0].astype(WORD)]

    def join(self, halves: Sequence[NDArray[np.uint64]]) -> Words:
        """The states that consist of some machine words."""
        if not self.wide:
            return halves[0]
        pairs = np.stack([halves[1], halves[0]], axis=1).astype(np.float64)
        return pairs.view(np.complex128).reshape(-1)

    # ---------------------------------------------------------------- states

    def pack(self, states: Sequence[Mapping[str, int]]) -> Words:
        """Pack states one by one."""
        halves = [[0] * len(states) for _ in range(2 if self.wide else 1)]
        for row, state in enumerate(states):
            for name, place in self.places.items():
                if not 0 <= int(state[name]) < 1 << place.width:
                    raise ValueError(f"{name} = {state[name]} does not fit in {place.width} bits")
                halves[place.half][row] |= int(state[name]) << place.offset
        return self.join([np.array(half, WORD) for half in halves])

    def unpack(self, words: Words) -> dict[str, Array]:
        """Each variable as an array of the smallest type; truth values as bools."""
        halves = self.halves(words)
        state: dict[str, Array] = {}
        for name, (half, offset, width) in self.places.items():
            field = halves[half] >> WORD(offset) if offset else halves[half]
            narrow = field.astype(self._type(name))
            narrow &= narrow.dtype.type((1 << width) - 1)
            state[name] = narrow.view(np.bool_) if width == 1 and self._is_truth(name) else narrow
        return state

    def number(self, word: Any) -> dict[str, int]:
        """One state as ints."""
        return {name: int(value[0]) for name, value in self.unpack(np.array([word], self.type)).items()}

    def _is_truth(self, name: str) -> bool:
        return self.kinds[name] is Kind.FLAG or (self.kinds[name] is Kind.SET and self.bounded.scope.follow)

    def _type(self, name: str) -> type[np.unsignedinteger[Any]]:
        if self._is_truth(name):
            return np.uint8
        return self.set_type if self.kinds[name] is Kind.SET else self.seq_type


class Span(NamedTuple):
    """Neighbouring variables that are joined in a narrow type before they are widened: name and shift each."""

    half: int
    offset: int
    width: int
    fields: tuple[tuple[str, int], ...]


class Repack:
    """How the changes of one instance go back into the word: constants at once, neighbours together."""

    def __init__(self, layout: Layout, changes: Mapping[str, Any]) -> None:
        self._layout = layout
        self._too_large: list[str] = []  # constants that do not fit: an error once the instance is taken
        count = 2 if layout.wide else 1
        keep, constant = [(1 << 64) - 1] * count, [0] * count
        spans: list[Span] = []
        for (half, offset, width), name in sorted((layout.places[name], name) for name in changes):
            keep[half] &= ~(((1 << width) - 1) << offset)
            last = spans[-1] if spans else None
            if not isinstance(changes[name], np.ndarray):
                if not 0 <= int(changes[name]) < 1 << width:
                    self._too_large.append(name)
                constant[half] |= (int(changes[name]) & ((1 << width) - 1)) << offset
            elif last and last.half == half and offset + width - last.offset <= 16:
                joined = (*last.fields, (name, offset - last.offset))
                spans[-1] = Span(half, last.offset, offset + width - last.offset, joined)
            else:
                spans.append(Span(half, offset, width, ((name, 0),)))
        self._keep, self._constant = [WORD(k) for k in keep], [WORD(c) for c in constant]
        self._spans = spans

    def __call__(self, halves: list[NDArray[np.uint64]], changes: Mapping[str, Any], enabled: Array) -> Words:
        """The successors of the states where ``enabled`` holds. Raises OverflowError where a value does not fit."""
        if self._too_large and enabled.any():
            raise OverflowError(f"{self._too_large[0]} takes a value for which the scope has no bits")
        out = [half & keep for half, keep in zip(halves, self._keep, strict=True)]
        for half, constant in zip(out, self._constant, strict=True):
            if constant:
                half |= constant
        for span in self._spans:
            wide = self._joined(span, changes, enabled).astype(WORD)
            if span.offset:
                wide <<= WORD(span.offset)
            out[span.half] |= wide
        return self._layout.join([half.compress(enabled) for half in out])

    def _joined(self, span: Span, changes: Mapping[str, Any], enabled: Array) -> Array:
        kind = narrowest(span.width)
        fields: list[Array] = []
        for name, shift in span.fields:
            field = changes[name]
            field = field.view(np.uint8) if field.dtype == np.bool_ else self._checked(name, field, enabled)
            field = field.astype(kind)
            if shift:
                field <<= kind(shift)
            fields.append(field)
        for field in fields[1:]:
            fields[0] |= field
        return fields[0]

    def _checked(self, name: str, field: Array, enabled: Array) -> Array:
        most = (1 << self._layout.places[name].width) - 1
        if field.size and field.max() > most:  # seldom, and then mostly where the guard does not hold
            if (field[enabled] > most).any():
                raise OverflowError(f"{name} rises above {most}, for which the scope has no bits")
            return np.where(enabled, field, 0)
        return field
