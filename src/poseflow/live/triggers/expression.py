"""Conditions on poses as expressions: a small language of its own, checked before anything runs.

Numbers, comparisons, `+ - * /`, `and`, `or`, `not`, `abs`, `min`, `max`, and

- `male.head`: a point, of an animal by its name or as `track0` by its track, and of a node; `male["abdomen tip"]`
  where the node's name is no word;
- `distance(a, b)`: px between two points; `mm`: px in a millimeter, so `distance(a, b) < 2 * mm`;
- `bearing(origin, ahead, target)`: degrees, -180 to 180, from the direction origin → ahead to the direction
  origin → target, positive to the right of an animal seen from above (y points down);
- `speed(point)`: px/s since the poses that the condition was evaluated with before;
- `count`: how many animals there are.

Where a point is not seen, what is said of it is unknown, neither true nor false (Kleene's logic): `unknown or True` is
true, `not unknown` is unknown, and a condition that is unknown as a whole is not met.

Nothing is ever run as Python: the text is parsed, and each of its parts must be one of the above.
"""

import ast
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from poseflow.core.errors import ConfigError
from poseflow.core.skeleton import Skeleton
from poseflow.live.poses import LivePoses

Point = tuple[float, float] | None
Number = float | None
Truth = bool | None

MOST_CHARACTERS = 2000

_COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: lt,
    ast.LtE: le,
    ast.Gt: gt,
    ast.GtE: ge,
    ast.Eq: eq,
    ast.NotEq: ne,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b if b else math.nan,
}


@dataclass
class Moment:
    """What a condition is evaluated with."""

    poses: LivePoses
    before: LivePoses | None = None
    """The poses of the evaluation before."""


Evaluate = Callable[[Moment], Any]


@dataclass(frozen=True)
class _Part:
    """A part of an expression: of what kind its value is, and how to come by it."""

    kind: str
    """point, number or truth"""
    evaluate: Evaluate = field(repr=False)


def compile_expression(
    text: str, skeleton: Skeleton, identities: Sequence[str], pixels_per_mm: float | None = None
) -> Callable[[Moment], bool]:
    """Check a condition, and make a function of it that says whether it is met.

    Args:
        skeleton: whose nodes it may name. identities: animals that it may name, beside `track0`, `track1`, ….
        pixels_per_mm: what `mm` is.

    Raises: ConfigError, for what is not of the language, with what would be.
    """
    if len(text) > MOST_CHARACTERS:
        raise ConfigError(f"a trigger must have at most {MOST_CHARACTERS} characters, got {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConfigError(f"trigger {text!r} must be an expression, got a fault: {error}") from None
    condition = _Compiler(text, skeleton, identities, pixels_per_mm).compile(tree.body, "truth")

    def is_met(moment: Moment) -> bool:
        return condition(moment) is True

    return is_met


class _Compiler:
    def __init__(self, text: str, skeleton: Skeleton, identities: Sequence[str], pixels_per_mm: float | None) -> None:
        self._text, self._nodes, self._identities = text, skeleton.nodes, tuple(identities)
        self._pixels_per_mm = pixels_per_mm
        self._functions: dict[str, tuple[tuple[str, ...], Callable[..., Any]]] = {
            "distance": (("point", "point"), _distance),
            "bearing": (("point", "point", "point"), _bearing),
            "abs": (("number",), abs),
            "min": (("number", "number"), min),
            "max": (("number", "number"), max),
        }

    def compile(self, node: ast.expr, kind: str) -> Evaluate:
        """A part that must be of a kind."""
        part = self._compile(node)
        if part.kind != kind:
            raise self._refuse(node, f"must be a {kind}, got a {part.kind}")
        return part.evaluate

    def _compile(self, node: ast.expr) -> _Part:
        match node:
            case ast.BoolOp(op=op, values=values):
                parts = [self.compile(value, "truth") for value in values]
                return _Part("truth", _all(parts) if isinstance(op, ast.And) else _any(parts))
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                return _Part("truth", _none_or(lambda value: not value, [self.compile(operand, "truth")]))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return _Part("number", _none_or(lambda value: -value, [self.compile(operand, "number")]))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                parts = [self.compile(left, "number"), self.compile(right, "number")]
                return _Part("number", _none_or(_ARITHMETIC[type(op)], parts))
            case ast.Compare():
                return _Part("truth", self._compare(node))
            case ast.Constant(value=bool(value)):
                return _Part("truth", lambda _: value)
            case ast.Constant(value=int() | float()):
                number = float(node.value)  # type: ignore[arg-type]  # the pattern says so
                return _Part("number", lambda _: number)
            case ast.Name(id=name):
                return self._name(node, name)
            case ast.Attribute(value=ast.Name(id=animal), attr=name):
                return self._point(node, animal, name)
            case ast.Subscript(value=ast.Name(id=animal), slice=ast.Constant(value=str(name))):
                return self._point(node, animal, name)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(node, name, arguments)
        raise self._refuse(node, "is not of the language of triggers (docs/how_to/live.md)")

    def _compare(self, node: ast.Compare) -> Evaluate:
        """Chains too: `1 < a < 2`."""
        values = [self.compile(value, "number") for value in (node.left, *node.comparators)]
        pairs: list[Evaluate] = []
        for op, a, b in zip(node.ops, values, values[1:], strict=False):
            if type(op) not in _COMPARISONS:
                raise self._refuse(node, "must compare by < <= > >= == !=")
            pairs.append(_none_or(_COMPARISONS[type(op)], [a, b]))
        return _all(pairs)

    def _name(self, node: ast.expr, name: str) -> _Part:
        if name == "count":
            return _Part("number", lambda moment: float(len(moment.poses)))
        if name == "mm":
            if self._pixels_per_mm is None:
                raise ConfigError(f"trigger {self._text!r} speaks of mm, so --pixels-per-mm must be given, got none")
            scale = self._pixels_per_mm
            return _Part("number", lambda _: scale)
        raise self._refuse(node, "must be count, mm, or a point such as male.head")

    def _point(self, node: ast.expr, animal: str, name: str) -> _Part:
        whose: str | int = animal
        if animal not in self._identities:
            number = animal.removeprefix("track")
            if number == animal or not number.isdecimal():
                known = ", ".join([*self._identities, "track0", "track1"])
                raise self._refuse(node, f"must name an animal ({known}, …), got {animal!r}")
            whose = int(number)
        if name not in self._nodes:
            raise self._refuse(node, f"must name a node ({', '.join(self._nodes)}), got {name!r}")
        place = self._nodes.index(name)
        return _Part("point", lambda moment: _point_of(moment.poses, whose, place))

    def _call(self, node: ast.expr, name: str, arguments: list[ast.expr]) -> _Part:
        if name == "speed":
            if len(arguments) != 1:
                raise self._refuse(node, f"must be given 1 point, got {len(arguments)}")
            return _Part("number", _speed_of(self.compile(arguments[0], "point")))
        if name not in self._functions:
            raise self._refuse(node, f"must call one of {', '.join([*self._functions, 'speed'])}")
        kinds, function = self._functions[name]
        if len(arguments) != len(kinds):
            raise self._refuse(node, f"must be given {len(kinds)} {kinds[0]}s, got {len(arguments)}")
        parts = [self.compile(one, kind) for one, kind in zip(arguments, kinds, strict=True)]
        return _Part("number", _none_or(function, parts))

    def _refuse(self, node: ast.expr, fault: str) -> ConfigError:
        part = ast.get_source_segment(self._text.strip(), node)
        return ConfigError(f"trigger {self._text!r}: {part or 'a part'} {fault}")


def _none_or(function: Callable[..., Any], parts: Sequence[Evaluate]) -> Evaluate:
    """The function of some parts; unknown (None) where one of them is, or where the result is no number."""

    def evaluate(moment: Moment) -> Any:
        values = [part(moment) for part in parts]
        if any(value is None for value in values):
            return None
        result = function(*values)
        return None if isinstance(result, float) and math.isnan(result) else result

    return evaluate


def _all(parts: Sequence[Evaluate]) -> Evaluate:
    def evaluate(moment: Moment) -> Truth:
        values = [part(moment) for part in parts]
        return False if False in values else None if None in values else True

    return evaluate


def _any(parts: Sequence[Evaluate]) -> Evaluate:
    def evaluate(moment: Moment) -> Truth:
        values = [part(moment) for part in parts]
        return True if True in values else None if None in values else False

    return evaluate


def _point_of(poses: LivePoses, animal: str | int, node: int) -> Point:
    point = poses.find(animal, node)
    return None if point is None else (float(point[0]), float(point[1]))


def _distance(a: tuple[float, float], b: tuple[float, float]) -> float:
    return math.dist(a, b)


def _bearing(origin: tuple[float, float], ahead: tuple[float, float], target: tuple[float, float]) -> float:
    """Degrees from origin → ahead to origin → target, in (-180, 180]; NaN where two of them are one place."""
    ax, ay = ahead[0] - origin[0], ahead[1] - origin[1]
    bx, by = target[0] - origin[0], target[1] - origin[1]
    if (ax == ay == 0) or (bx == by == 0):
        return math.nan
    return math.degrees(math.atan2(ax * by - ay * bx, ax * bx + ay * by))


def _speed_of(point: Evaluate) -> Evaluate:
    """px/s between the evaluation before and now; unknown where there was none, or no newer poses since."""

    def evaluate(moment: Moment) -> Number:
        if moment.before is None or moment.before.time_s >= moment.poses.time_s:
            return None
        then, now = point(Moment(moment.before)), point(moment)
        if then is None or now is None:
            return None
        return math.dist(then, now) / (moment.poses.time_s - moment.before.time_s)

    return evaluate
