"""Elementary functions in C, as text that goes into a file that needs them: short, without branches, float and double.

The C library's functions stop a compiler from doing several numbers at once, unless ``-ffast-math`` gives up infinities
and NaN. These keep both, and underflow gradually. Their polynomials are those of
``codegen.c_precisions``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from codegen.c_linear import DETERMINANT, FACTOR, SOLVE, SOLVE_TRANSPOSED, SUBSTITUTE, SWAP
from codegen.c_matrices import MATMUL, PACK, TILE
from codegen.c_precisions import FLOAT, PRECISIONS, Precision

BITS = """\
/* The bits of a number, and the number of these bits. */
static inline @bits bits@_(@real x)
{
    @bits bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline @real number@_(@bits bits)
{
    @real x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
"""

EXP = """\
/* exp(x) = 2^n (1 + r + r^2 E(r)) with x = n log(2) + r; the last bits of shifted are n. */
static inline @real exp@_(@real x)
{
    const @real clamped = x < @lowest ? @lowest : x > @highest ? @highest : x;
    const @real shifted = clamped * @log2e + @magic;
    const @real n = shifted - @magic;
    const @real r = (clamped - n * @log2_high) - n * @log2_low;
    const @bits power = bits@_(shifted) - @magic_bits + @offset;
    const @bits half = power >> 1;
    const @real first = number@_((half - @half_offset + @bias) << @shift);
    const @real second = number@_((power - half - @half_offset + @bias) << @shift);
    @real value = #E0;
#E    value = value * r + @c;
    return (1.0@f + (r + r * r * value)) * first * second;
}
"""

EXPM1 = """\
/* exp(x) - 1, right for small x too: 2^n (r + r^2 E(r)) + (2^n - 1) with x = n log(2) + r. */
static inline @real expm1@_(@real x)
{
    const @real clamped = x < @minus_one ? @minus_one : x > @highest ? @highest : x;
    const @real shifted = clamped * @log2e + @magic;
    const @real n = shifted - @magic;
    const @real r = (clamped - n * @log2_high) - n * @log2_low;
    const @real half = number@_((bits@_(shifted) - @magic_bits + @bias - 1) << @shift);
    @real value = #E0;
#E    value = value * r + @c;
    return 2.0@f * ((r + r * r * value) * half + (half - 0.5@f));
}
"""

LOG = """\
/* log(x) = n log(2) + log(1 + f) with x = 2^n (1 + f); log(1 + f) = 2 s + s^3 L(s^2) with s = f/(2 + f).
   Where that is no logarithm, infinity or NaN is added: a compiler computes both sides of a choice. */
static inline @real log@_(@real x)
{
    const int is_small = x < @smallest;
    const @bits moved = @one_bits - @root_bits;
    const @bits bits = bits@_(is_small ? x * @scale : x) + moved;
    const @real power = number@_((bits >> @shift) | @exponent_bits) - @exponent_bias;
    const @real n = is_small ? power - @scale_power : power;
    const @real f = number@_((bits & @mantissa) + @root_bits) - 1.0@f;
    const @real s = f / (2.0@f + f);
    const @real z = s * s;
    const @real square = 0.5@f * f * f;
    @real value = #L0;
#L    value = value * z + @c;
    value = n * @log2_high - ((square - (s * (square + z * value) + n * @log2_low)) - f);
    return value + (x > 0 && x < INFINITY ? 0.0@f : x == 0 ? -INFINITY : x > 0 ? x : NAN);
}
"""

LOG1P = """\
/* log(1 + x), right for small x too: the logarithm of the rounded sum, and what the rounding took away. */
static inline @real log1p@_(@real x)
{
    const @real sum = 1.0@f + x;
    const @real rounded = log@_(sum);
    const @real value = rounded + (x - (sum - 1.0@f)) / sum;
    return x > -1.0@f ? (x < INFINITY ? value : x) : rounded;
}
"""

LOG1P_UNIT = """\
/* log(1 + x) for 0 <= x <= 1: 2 s + s^3 U(s^2) with s = x/(2 + x). */
static inline @real log1p_unit@_(@real x)
{
    const @real s = x / (2.0@f + x);
    const @real z = s * s;
    @real value = #U0;
#U    value = value * z + @c;
    return 2.0@f * s + s * z * value;
}
"""

LOGADDEXP = """\
/* log(exp(a) + exp(b)), without overflow. */
static inline @real logaddexp@_(@real a, @real b)
{
    const @real larger = maximum@_(a, b);
    const @real value = larger + log1p_unit@_(exp@_(-fabs@f(a - b)));
    return a == b ? a + 0.693147180559945309@f : value;
}
"""

SOFTPLUS_TAIL = """\
/* log(1 + exp(-|x|)), what log(1 + exp(x)) is beyond max(x, 0). */
static inline @real softplus_tail@_(@real x)
{
    return log1p_unit@_(exp@_(-fabs@f(x)));
}
"""

SOFTPLUS = """\
/* log(1 + exp(x)), without overflow. */
static inline @real softplus@_(@real x)
{
    return maximum@_(x, 0.0@f) + softplus_tail@_(x);
}
"""

SIGMOID = """\
/* 1/(1 + exp(-x)); the exponential of a positive number is never taken. */
static inline @real sigmoid@_(@real x)
{
    const @real decay = exp@_(-fabs@f(x));
    return (x >= 0 ? 1.0@f : decay) / (1.0@f + decay);
}
"""

TANH = """\
/* tanh(x) = -e/(2 + e) with e = exp(-2x) - 1, for x >= 0. */
static inline @real tanh@_(@real x)
{
    const @real e = expm1@_(-2.0@f * fabs@f(x));
    return copysign@f(-e / (2.0@f + e), x);
}
"""

ERF_FLOAT = """\
/* erf(x) = x A(x^2) / B(x^2) up to 4, where it is 1 in float. */
static inline float erf_f(float x)
{
    const float size = fabsf(x);
    const float a = size > 4.0f ? 4.0f : size;
    const float u = a * a;
    float above = #A0;
    float below = #B0;
#A    above = above * u + @c;
#B    below = below * u + @c;
    const float value = a * above / below;
    return copysignf(value > 1.0f ? 1.0f : value, x);
}
"""

ERF_DOUBLE = """\
/* erf(x): x P(x^2) up to 1, and 1 - exp(-x^2) Q((x - 3)/(x + 3)) beyond. */
static inline double erf_d(double x)
{
    const double size = fabs(x);
    const double u = x * x;
    const double a = size > 6.0 ? 6.0 : size;
    const double t = (a - 3.0) / (a + 3.0);
    double near = #P0;
    double far = #Q0;
#P    near = near * u + @c;
#Q    far = far * t + @c;
    return size <= 1.0 ? x * near : copysign(1.0 - exp_d(-a * a) * far, x);
}
"""

NORMAL_CDF = """\
/* (1 + erf(x/sqrt(2)))/2, the distribution function of the standard normal distribution. */
static inline @real normal_cdf@_(@real x)
{
    return 0.5@f * erf@_(x * 0.707106781186547524@f) + 0.5@f;
}
"""

MAXIMUM = """\
/* The larger of two numbers, NaN if one is. */
static inline @real maximum@_(@real a, @real b)
{
    return a > b || a != a ? a : b;
}
"""

LARGEST = """\
#pragma omp declare reduction(largest : @real : omp_out = maximum@_(omp_in, omp_out)) initializer(omp_priv = -INFINITY)
"""

MINIMUM = """\
/* The smaller of two numbers, NaN if one is. */
static inline @real minimum@_(@real a, @real b)
{
    return a < b || a != a ? a : b;
}
"""

SIGN = """\
/* -1, 0 or 1; NaN of NaN. */
static inline @real sign@_(@real x)
{
    return x > 0 ? 1.0@f : x < 0 ? -1.0@f : x;
}
"""

SQUARE = """\
static inline @real square@_(@real x)
{
    return x * x;
}
"""

#: In the order in which they call each other, by the name that generated code calls without its suffix.
FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "square": SQUARE,
        "sign": SIGN,
        "minimum": MINIMUM,
        "maximum": MAXIMUM,
        "largest": LARGEST,
        "bits": BITS,
        "exp": EXP,
        "expm1": EXPM1,
        "log": LOG,
        "log1p": LOG1P,
        "log1p_unit": LOG1P_UNIT,
        "logaddexp": LOGADDEXP,
        "softplus_tail": SOFTPLUS_TAIL,
        "softplus": SOFTPLUS,
        "sigmoid": SIGMOID,
        "tanh": TANH,
        "erf": "",
        "normal_cdf": NORMAL_CDF,
        "pack": PACK,
        "tile": TILE,
        "matmul": MATMUL,
        "swap": SWAP,
        "factor": FACTOR,
        "substitute_down": SUBSTITUTE,
        "solve": SOLVE,
        "solve_transposed": SOLVE_TRANSPOSED,
        "determinant": DETERMINANT,
    }
)
#: Other names in the texts of these.
OWN = ("number", "wide", "high", "deep", "rows", "block", "strip", "take", "substitute_up")
#: By the name in a program, the function of the C library; a float's name ends with f.
LIBRARY: Mapping[str, str] = MappingProxyType(
    {
        "abs": "fabs",
        "sqrt": "sqrt",
        "sin": "sin",
        "cos": "cos",
        "tan": "tan",
        "sinh": "sinh",
        "cosh": "cosh",
        "arctan": "atan",
        "arcsin": "asin",
        "arccos": "acos",
        "floor": "floor",
        "ceil": "ceil",
        "pow": "pow",
    }
)


def helper_texts(text: str, precision: Precision) -> list[str]:
    """Return the functions that a text calls, and those that they call, each before its callers.

    Example:
        >>> [each.split("(")[0].splitlines()[-1] for each in helper_texts("sign_f(x)", FLOAT)]
        ['static inline float sign_f']
    """
    found: dict[str, str] = {}
    waiting = [text]
    while waiting:
        calling = waiting.pop()
        for name in FUNCTIONS:
            if name not in found and _calls(calling, name, precision):
                found[name] = helper(name, precision)
                waiting.append(found[name])
    return [found[name] for name in FUNCTIONS if name in found]


def _calls(text: str, name: str, precision: Precision) -> bool:
    if name == "largest":
        return "(largest: " in text
    return (
        re.search(rf"(?<![\w ]){name}{precision.suffix}\(|(?<!{precision.name}) {name}{precision.suffix}\(", text)
        is not None
    )


def helper(name: str, precision: Precision) -> str:
    """Return the text of one function."""
    text = FUNCTIONS[name] or (ERF_FLOAT if precision is FLOAT else ERF_DOUBLE)
    lines: list[str] = []
    for line in text.splitlines():
        found = re.match(r"#([A-Z])(    .*)", line)
        if found:
            rest = precision.polynomials[found[1]][1:]
            lines += [found[2].replace("@c", c_number(each, precision)) for each in rest]
        else:
            first = re.search(r"#([A-Z])0", line)
            lines.append(
                line.replace(first[0], c_number(precision.polynomials[first[1]][0], precision)) if first else line
            )
    return filled("\n".join(lines) + "\n", precision)


def filled(text: str, precision: Precision) -> str:
    """Return a text with the words of a precision put in."""
    return re.sub(r"@\w+?(?=\W|$)|@_|@f", lambda found: _word(found[0], precision), text)


def _word(name: str, precision: Precision) -> str:
    if name in precision.words:
        return precision.words[name]
    stem = next(word for word in sorted(precision.words, key=len, reverse=True) if name.startswith(word))
    return precision.words[stem] + name[len(stem) :]


def c_number(value: float, precision: Precision) -> str:
    """Return a number as a constant of a precision.

    Example:
        >>> c_number(0.5, FLOAT), c_number(2.0, FLOAT)
        ('0.5f', '2.0f')
    """
    text = repr(value)
    return f"{text}{precision.literal}"


def names_of_functions(precisions: Sequence[Precision] = PRECISIONS) -> frozenset[str]:
    """Return the names that the functions take in a file."""
    own = {f"{name}{each.suffix}" for name in (*FUNCTIONS, *OWN) for each in precisions}
    return frozenset(own | {f"{name}{end}" for name in (*LIBRARY.values(), "copysign") for end in ("", "f")})
