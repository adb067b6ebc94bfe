"""Evaluates metric math, one data point at a time, as CloudWatch's User Guide describes it. Pure.

Rules and examples: Amazon CloudWatch User Guide, "Math expressions with metrics" (metric math syntax and functions,
comparison and logical operators, using IF expressions). What an alarm cannot use sensibly is refused: functions that
make one number of a whole series (`MAX(m1)`), because an alarm fetches more data points than it evaluates.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

type Value = float | None
"""A data point; None when there is none."""

type Lookup = Callable[[str, int], Value]
"""The value of a metric or expression by its id, so many periods before the data point that is computed."""

type Compute = Callable[[Lookup, int], Value]
"""Computes a data point, so many periods back."""


class BadExpressionError(ValueError):
    """An expression that CloudWatch or this evaluator does not take; says which part and why."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of an expression. A scalar (`2`) has a value at all times, a series only where there is data.

    `of_array` are the parts of an array (`[m1, m2]`), which only functions take.
    """

    compute: Compute
    is_scalar: bool = False
    of_array: tuple[Term, ...] = ()


_TOKEN = re.compile(r"\s*(?:(\d+\.?\d*|\.\d+)|([A-Za-z_]\w*)|(&&|\|\||==|!=|<=|>=|[-+*/^<>(),\[\]]))")


def _divided(one: float, other: float) -> Value:
    # "If the value of a data point causes a function to attempt to divide by zero, the data point is dropped."
    return one / other if other else None


def _compared(compare: Callable[[float, float], bool]) -> Callable[[float, float], Value]:
    return lambda one, other: float(compare(one, other))


_OPERATORS: tuple[dict[str, Callable[[float, float], Value]], ...] = (
    {name: lambda one, other: float(bool(one) or bool(other)) for name in ("OR", "||")},
    {name: lambda one, other: float(bool(one) and bool(other)) for name in ("AND", "&&")},
    {
        "==": _compared(operator.eq),
        "!=": _compared(operator.ne),
        "<=": _compared(operator.le),
        ">=": _compared(operator.ge),
        "<": _compared(operator.lt),
        ">": _compared(operator.gt),
    },
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": _divided},
    {"^": operator.pow},
)
"""From the loosest to the tightest; CloudWatch documents the operators and not their order, so it is the usual one."""


def parsed(text: str) -> Compute:
    """Return what computes an expression: `parsed("100 * errors / requests")(lookup, 0)`.

    Raises BadExpressionError when the text is no expression, uses a function that is not known here, or is a scalar.
    """
    parser = _Parser(tuple(_tokens(text)), text)
    term = parser.expression()
    if parser.peek():
        raise BadExpressionError(f"{text}: {parser.peek()} is not expected")
    if term.is_scalar or term.of_array:
        raise BadExpressionError(f"{text}: the result must be one time series")
    return term.compute


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            raise BadExpressionError(f"{text}: {text[at:].strip()} cannot be read")
        yield found[found.lastindex or 0]
        at = found.end()


@dataclass(slots=True)
class _Parser:
    tokens: tuple[str, ...]
    text: str
    at: int = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.peek()
        if not token or (expected and token != expected):
            raise BadExpressionError(f"{self.text}: {expected or 'more'} is expected after token {self.at}")
        self.at += 1
        return token

    def expression(self, level: int = 0) -> Term:
        if level == len(_OPERATORS):
            return self.unary()
        term = self.expression(level + 1)
        while self.peek() in _OPERATORS[level]:
            name = self.take()
            term = _combined(_OPERATORS[level][name], term, self.expression(level + 1))
        return term

    def unary(self) -> Term:
        if self.peek() == "-":
            self.take()
            return _mapped(operator.neg, self.unary())
        return self.primary()

    def primary(self) -> Term:
        token = self.take()
        if token == "(":
            term = self.expression()
            self.take(")")
            return term
        if token == "[":
            return Term(_no_series, of_array=tuple(self.arguments("]")))
        if token[0].isdigit() or token[0] == ".":
            number = float(token)
            return Term(lambda _look, _back: number, is_scalar=True)
        if self.peek() == "(" and token.isupper():
            self.take()
            return _called(token, tuple(self.arguments(")")), self.text)
        # Ids of metrics "must start with a lowercase letter"; REPEAT and LINEAR are keywords of FILL.
        if not (token[0].islower() or token in _KEYWORDS):
            raise BadExpressionError(f"{self.text}: {token} is no metric's id")
        return Term(_KEYWORDS.get(token) or (lambda look, back: look(token, back)))

    def arguments(self, closing: str) -> Iterator[Term]:
        while self.peek() != closing:
            yield self.expression()
            if self.peek() != closing:
                self.take(",")
        self.take(closing)


def _no_series(_look: Lookup, _back: int) -> Value:
    raise BadExpressionError("an array of time series is not one time series")


def _repeat(_look: Lookup, _back: int) -> Value:
    raise BadExpressionError("REPEAT belongs in FILL")


_KEYWORDS: dict[str, Compute] = {"REPEAT": _repeat}


def _mapped(function: Callable[[float], float], term: Term) -> Term:
    if term.of_array:
        return Term(_no_series, of_array=tuple(_mapped(function, each) for each in term.of_array))

    def compute(look: Lookup, back: int) -> Value:
        value = term.compute(look, back)
        return None if value is None else function(value)

    return Term(compute, is_scalar=term.is_scalar)


def _combined(function: Callable[[float, float], Value], one: Term, other: Term) -> Term:
    if one.of_array or other.of_array:
        pairs = [(each, other) for each in one.of_array] or [(one, each) for each in other.of_array]
        return Term(_no_series, of_array=tuple(_combined(function, *pair) for pair in pairs))

    def compute(look: Lookup, back: int) -> Value:
        left, right = one.compute(look, back), other.compute(look, back)
        # There is a data point where one of the series has one; "missing values in a time series are treated as 0".
        exists = any(value is not None for term, value in ((one, left), (other, right)) if not term.is_scalar) or (
            one.is_scalar and other.is_scalar
        )
        return function(left or 0.0, right or 0.0) if exists else None

    return Term(compute, is_scalar=one.is_scalar and other.is_scalar)


def _called(name: str, arguments: Sequence[Term], text: str) -> Term:
    if name in _ACROSS and len(arguments) == 1 and arguments[0].of_array:
        return _across(_ACROSS[name], arguments[0].of_array)
    if name in _EACH and len(arguments) == 1:
        return _mapped(_EACH[name], arguments[0])
    if name in _SPECIAL and len(arguments) in _SPECIAL[name][0]:
        return _SPECIAL[name][1](*arguments)
    if name in _ACROSS:
        # "We recommend that you do not use this function in CloudWatch alarms if you want the function to return a
        # scalar": it depends on how many data points the alarm fetches.
        raise BadExpressionError(f"{text}: {name} of a single series is no use in an alarm; give it an array")
    raise BadExpressionError(f"{text}: {name} with {len(arguments)} arguments is not known here")


def _across(fold: Callable[[Sequence[float], int], float], terms: Sequence[Term]) -> Term:
    def compute(look: Lookup, back: int) -> Value:
        found = [value for term in terms if (value := term.compute(look, back)) is not None]
        return fold(found, len(terms)) if found else None

    return Term(compute)


_ACROSS: dict[str, Callable[[Sequence[float], int], float]] = {
    "MAX": lambda values, _series: max(values),
    "MIN": lambda values, _series: min(values),
    "SUM": lambda values, _series: sum(values),
    # "AVG … Missing values are treated as 0": the number of series divides, not that of data points.
    "AVG": lambda values, series: sum(values) / series,
}
_EACH: dict[str, Callable[[float], float]] = {"ABS": abs, "CEIL": math.ceil, "FLOOR": math.floor}


def _chosen(condition: Term, yes: Term, no: Term | None = None) -> Term:
    """IF(condition, yes, no), by the tables of "Using IF expressions"."""

    def compute(look: Lookup, back: int) -> Value:
        holds = condition.compute(look, back)
        if holds is None:
            return None
        if holds:
            # "has the value of 0, if … TRUE and the corresponding data point does not exist in metric2"
            return yes.compute(look, back) or 0.0
        if no is None:
            return None
        value = no.compute(look, back)
        # Of IF(metric1, scalar2, metric3) the table drops the point, of IF(metric1, metric2, metric3) it says 0.
        return value if yes.is_scalar or value is not None else 0.0

    return Term(compute)


def _filled(series: Term, filler: Term) -> Term:
    def compute(look: Lookup, back: int) -> Value:
        value = series.compute(look, back)
        if value is not None:
            return value
        if filler.compute is _repeat:
            return _latest(series, look, back + 1)[0]
        return filler.compute(look, back)

    return Term(compute)


_FURTHEST = 10
"""Periods that RATE, DIFF and FILL REPEAT look back for a data point."""


def _latest(series: Term, look: Lookup, back: int) -> tuple[Value, int]:
    for further in range(back, back + _FURTHEST):
        if (value := series.compute(look, further)) is not None:
            return value, further
    return None, back


def _difference(series: Term) -> Term:
    def compute(look: Lookup, back: int) -> Value:
        now, (before, _) = series.compute(look, back), _latest(series, look, back + 1)
        return None if now is None or before is None else now - before

    return Term(compute)


def _rate(series: Term) -> Term:
    def compute(look: Lookup, back: int) -> Value:
        now, (before, at) = series.compute(look, back), _latest(series, look, back + 1)
        period = look("PERIOD", 0) or 60.0
        return None if now is None or before is None else (now - before) / ((at - back) * period)

    return Term(compute)


def _period(_series: Term) -> Term:
    return Term(lambda look, _back: look("PERIOD", 0), is_scalar=True)


def _constant(number: Term) -> Term:
    return Term(number.compute)


_SPECIAL: dict[str, tuple[tuple[int, ...], Callable[..., Term]]] = {
    "IF": ((2, 3), _chosen),
    "FILL": ((2,), _filled),
    "DIFF": ((1,), _difference),
    "RATE": ((1,), _rate),
    "PERIOD": ((1,), _period),
    "TIME_SERIES": ((1,), _constant),
}
