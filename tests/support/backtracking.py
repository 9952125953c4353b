"""Whether a regular expression can take more than linear time, by the ambiguity of its automaton.

Python's engine tries every way to match before it gives up. The ways are paths through the automaton of
positions (Glushkov's): two loops through one position with the same text double them with every repeat, which
is exponential; a text that loops at one position, leads to another and loops there too adds one with every
repeat, which is quadratic. See Weideman et al., "Analyzing Matching Time Behavior of Backtracking Regular
Expression Matchers by Using Ambiguity of NFA", 2016.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from re import _constants as sre  # type: ignore[attr-defined]  # the parser that `re` itself uses
from re import _parser  # type: ignore[attr-defined]
from typing import Any

SEARCHING = frozenset({"search", "sub", "subn", "split", "findall", "finditer"})
"""Functions of `re` that try to match from every start."""

# Beside what stands in the expression itself, one character of every kind that a class can tell apart.
_SAMPLES = frozenset("aZ059_ -.,;/\\'\"(\n\t\r\x00é٣€")
# What a closing assertion takes; no text holds it, so nothing is accepted before it.
_END = frozenset({"end"})
# Ways of a repeat that are worth no attack.
_FEW = 32

_CATEGORIES: Mapping[Any, Callable[[str], bool]] = {
    sre.CATEGORY_DIGIT: str.isdecimal,
    sre.CATEGORY_NOT_DIGIT: lambda c: not c.isdecimal(),
    sre.CATEGORY_SPACE: str.isspace,
    sre.CATEGORY_NOT_SPACE: lambda c: not c.isspace(),
    sre.CATEGORY_WORD: lambda c: c.isalnum() or c == "_",
    sre.CATEGORY_NOT_WORD: lambda c: not (c.isalnum() or c == "_"),
}


def matching_time(expression: str | bytes, flags: int = 0, use: str = "match") -> str:
    """Return `linear`, `quadratic` or `exponential`; `use` is the function of `re` that matches.

    >>> [matching_time(text, use="fullmatch") for text in (r"a+b+", r"a+a+", r"(a+)+")]
    ['linear', 'quadratic', 'exponential']
    """
    automaton = _Automaton(expression, flags, use)
    if automaton.is_exponential():
        return "exponential"
    return "quadratic" if automaton.is_quadratic() else "linear"


@dataclass
class _Part:
    """A part of an expression: the positions it begins and ends with."""

    first: list[int] = field(default_factory=list)
    last: list[int] = field(default_factory=list)
    may_be_empty: bool = True


class _Automaton:
    def __init__(self, expression: str | bytes, flags: int, use: str) -> None:
        parsed = _parser.parse(expression, flags)
        self._flags = parsed.state.flags
        self._alphabet = _SAMPLES | set(_literals(parsed))
        self._atoms: list[frozenset[str]] = []
        """The characters that each position takes."""
        self._edges: Counter[tuple[int, int]] = Counter()
        """Ways to go from one position to the next."""
        self._possessive: dict[int, frozenset[str]] = {}
        """What cannot come after a position, because its possessive repeat would have taken it."""
        self._texts: dict[tuple[int, int], frozenset[str]] = {}
        """The characters that lead along an edge."""
        parts = [self._sequence(parsed)]
        if use in SEARCHING:
            anything = self._atom(self._alphabet)
            self._loop(anything)
            parts.insert(0, _Part(anything.first, anything.last))
        if use == "fullmatch":
            parts.append(self._atom(_END))
        self._accepting = set(self._join(parts).last)
        self._next: dict[int, list[int]] = {p: [] for p in range(len(self._atoms))}
        for p, q in self._edges:
            if self._texts[p, q]:
                self._next[p].append(q)

    def is_exponential(self) -> bool:
        """Tell whether two loops through one position take the same text."""
        doubled = [edge for edge, ways in self._edges.items() if ways > 1 and self._texts[edge]]
        if any((p,) in {(q,), *self._reachable((q,))} for p, q in doubled):
            return True
        return any(
            one != other and (p, p) in self._reachable((one, other))
            for p in self._next
            for one, other in self._reachable((p, p))
        )

    def is_quadratic(self) -> bool:
        """Tell whether a text loops at one position, leads to another and loops there, and may fail then."""
        looping = [p for p in self._next if (p,) in self._reachable((p,))]
        return any(
            (p, q, q) in self._reachable((p, p, q))
            for p, q in product(looping, looping)
            if p != q and q not in self._accepting
        )

    def _reachable(self, start: tuple[int, ...]) -> set[tuple[int, ...]]:
        """Return the states that one text leads to in every component at once."""
        reached: set[tuple[int, ...]] = set()
        waiting = [start]
        while waiting:
            for state in self._after(waiting.pop()):
                if state not in reached:
                    reached.add(state)
                    waiting.append(state)
        return reached

    def _after(self, state: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        for following in product(*(self._next[p] for p in state)):
            texts = (self._texts[edge] for edge in zip(state, following, strict=True))
            if frozenset.intersection(*texts):
                yield following

    def _sequence(self, nodes: Iterable[Any]) -> _Part:
        return self._join([self._part(operator, argument) for operator, argument in nodes])

    def _part(self, operator: Any, argument: Any) -> _Part:
        if operator is sre.BRANCH:
            branches = [self._sequence(branch) for branch in argument[1]]
            first = [p for branch in branches for p in branch.first]
            last = [p for branch in branches for p in branch.last]
            return _Part(first, last, any(branch.may_be_empty for branch in branches))
        if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            return self._repeat(*argument, possessive=operator is sre.POSSESSIVE_REPEAT)
        if operator is sre.SUBPATTERN:
            _, added, removed, nodes = argument
            outside, self._flags = self._flags, self._flags & ~removed | added
            part = self._sequence(nodes)
            self._flags = outside
            return part
        if operator is sre.GROUPREF_EXISTS:
            return self._part(sre.BRANCH, (None, [nodes or [] for nodes in argument[1:]]))
        if operator is sre.ATOMIC_GROUP:
            return self._sequence(argument)
        if operator in (sre.ASSERT, sre.ASSERT_NOT):
            ahead, nodes = argument
            return self._join([self._sequence(nodes), self._atom(_END)]) if ahead > 0 else _Part()
        if operator is sre.AT:
            return self._atom(_END) if argument in (sre.AT_END, sre.AT_END_STRING) else _Part()
        return self._atom(frozenset(c for c in self._alphabet if self._takes(operator, argument, c)))

    def _takes(self, operator: Any, argument: Any, character: str) -> bool:
        if operator is sre.ANY:
            return character != "\n" or bool(self._flags & sre.SRE_FLAG_DOTALL)
        if operator is sre.IN:
            negated = argument[0][0] is sre.NEGATE
            return negated != any(self._takes(*item, character) for item in argument[negated:])
        if operator is sre.CATEGORY:
            return _CATEGORIES[argument](character)
        cases = {character}
        if self._flags & sre.SRE_FLAG_IGNORECASE:
            cases |= {c for c in (character.lower(), character.upper()) if len(c) == 1}
        if operator is sre.RANGE:
            return any(argument[0] <= ord(c) <= argument[1] for c in cases)
        if operator is sre.LITERAL:
            return chr(argument) in cases
        if operator is sre.NOT_LITERAL:
            return chr(argument) not in cases
        raise ValueError(f"{operator} is not understood here")

    def _repeat(self, least: int, most: Any, nodes: Any, *, possessive: bool) -> _Part:
        endless = most is sre.MAXREPEAT or most - least > _FEW
        # Two of equal copies tell as much as a hundred.
        parts = [self._sequence(nodes) for _ in range(min(least, 2))]
        if endless:
            if not parts:
                parts = [self._sequence(nodes)]
                parts[0].may_be_empty = True
            if possessive:
                self._keep(parts[-1])
            else:
                self._loop(parts[-1])
        else:
            optional = [self._sequence(nodes) for _ in range(min(most - least, 2))]
            for part in optional:
                part.may_be_empty = True
            parts += optional
        return self._join(parts)

    def _keep(self, part: _Part) -> None:
        """Loop as a possessive repeat: what one round has taken is never given back."""
        single = sorted(set(part.first) & set(part.last))
        for p in single:
            self._connect([p], [p])
        taken = frozenset().union(*(self._atoms[p] for p in single))
        for p in part.last:
            self._possessive[p] = self._possessive.get(p, frozenset()) | taken

    def _join(self, parts: Iterable[_Part]) -> _Part:
        whole = _Part()
        for part in parts:
            self._connect(whole.last, part.first)
            if whole.may_be_empty:
                whole.first = whole.first + part.first
            whole.last = part.last + (whole.last if part.may_be_empty else [])
            whole.may_be_empty = whole.may_be_empty and part.may_be_empty
        return whole

    def _loop(self, part: _Part) -> None:
        self._connect(part.last, part.first)

    def _connect(self, last: Iterable[int], first: Iterable[int]) -> None:
        for p, q in product(last, first):
            self._edges[p, q] += 1
            texts = self._atoms[q] - self._possessive.get(p, frozenset())
            self._texts[p, q] = self._texts.get((p, q), frozenset()) | texts

    def _atom(self, texts: frozenset[str]) -> _Part:
        self._atoms.append(texts)
        position = len(self._atoms) - 1
        return _Part([position], [position], may_be_empty=False)


def _literals(nodes: Any) -> Iterator[str]:
    """Yield the characters that stand in an expression, and the neighbours of its ranges."""
    for node in nodes if isinstance(nodes, list | tuple | _parser.SubPattern) else ():
        if isinstance(node, tuple) and len(node) == 2 and node[0] in (sre.LITERAL, sre.NOT_LITERAL):
            yield from {chr(node[1]), chr(node[1]).lower(), chr(node[1]).upper()}
        elif isinstance(node, tuple) and len(node) == 2 and node[0] is sre.RANGE:
            low, high = node[1]
            yield from (chr(c) for c in {max(low - 1, 0), low, high, min(high + 1, 0x10FFFF)})
        else:
            yield from _literals(node)
