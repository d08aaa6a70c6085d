"""Elementary functions in C, as text that goes into a file that needs them: short, without branches, for float and double.

The C library's functions stop a compiler from doing several numbers at once, unless ``-ffast-math`` gives up infinities
and NaN. These keep both, and underflow gradually. Their polynomials, highest power first, are interpolations at
Chebyshev's points made with mpmath in 60 digits: E(r) = (exp(r) - 1 - r)/r^2 on [-log(2)/2, log(2)/2], L(z) =
(log((1 + s)/(1 - s)) - 2 s)/s^3 with z = s^2 where (1 + s)/(1 - s) lies between the square roots of 1/2 and 2, P(u) =
erf(a)/a with u = a^2 on [0, 1], G(a) = -log(erfc(a)) on [1, 4], and Q of ``codegen.helpers``. A test computes them again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

Coefficients = tuple[float, ...]


@dataclass(frozen=True)
class Precision:
    """What differs between the two types of numbers."""

    name: str
    suffix: str
    literal: str
    words: Mapping[str, str]
    polynomials: Mapping[str, Coefficients]


FLOAT = Precision(
    "float",
    "_f",
    "f",
    MappingProxyType(
        {
            "@bits": "uint32_t",
            "@shift": "23",
            "@lowest": "-104.0f",
            "@highest": "89.0f",
            "@minus_one": "-20.0f",
            "@log2e": "1.44269504f",
            "@log2_high": "0.693359375f",
            "@log2_low": "-2.12194440e-4f",
            "@magic": "12582912.0f",
            "@magic_bits": "UINT32_C(0x4B400000)",
            "@bias": "127",
            "@offset": "300",
            "@half_offset": "150",
            "@smallest": "1.17549435e-38f",
            "@scale": "33554432.0f",
            "@scale_power": "25.0f",
            "@root_bits": "UINT32_C(0x3F3504F3)",
            "@one_bits": "UINT32_C(0x3F800000)",
            "@mantissa": "UINT32_C(0x007FFFFF)",
            "@exponent_bits": "UINT32_C(0x4B000000)",
            "@exponent_bias": "8388735.0f",
            "@real": "float",
            "@f": "f",
            "@_": "_f",
        }
    ),
    MappingProxyType(
        {
            "E": (0.0013926927, 0.008363774, 0.04166655, 0.16666573, 0.5),
            "L": (0.23341943, 0.28550398, 0.40000126, 0.6666667),
            "P": (7.875875e-05, -0.00080168643, 0.0051890872, -0.026854211, 0.11283594, -0.37612626, 1.1283791),
            "G": (
                -1.6371514e-06,
                4.605804e-05,
                -0.00059680565,
                0.004759596,
                -0.026421135,
                0.110080086,
                0.63182604,
                1.1302334,
                -0.00032013806,
            ),
        }
    ),
)

DOUBLE = Precision(
    "double",
    "_d",
    "",
    MappingProxyType(
        {
            "@bits": "uint64_t",
            "@shift": "52",
            "@lowest": "-750.0",
            "@highest": "710.0",
            "@minus_one": "-40.0",
            "@log2e": "1.4426950408889634",
            "@log2_high": "0.693147180369123816490",
            "@log2_low": "1.90821492927058770002e-10",
            "@magic": "6755399441055744.0",
            "@magic_bits": "UINT64_C(0x4338000000000000)",
            "@bias": "1023",
            "@offset": "2200",
            "@half_offset": "1100",
            "@smallest": "2.2250738585072014e-308",
            "@scale": "18014398509481984.0",
            "@scale_power": "54.0",
            "@root_bits": "UINT64_C(0x3FE6A09E667F3BCD)",
            "@one_bits": "UINT64_C(0x3FF0000000000000)",
            "@mantissa": "UINT64_C(0x000FFFFFFFFFFFFF)",
            "@exponent_bits": "UINT64_C(0x4330000000000000)",
            "@exponent_bias": "4503599627371519.0",
            "@real": "double",
            "@f": "",
            "@_": "_d",
        }
    ),
    MappingProxyType(
        {
            "E": (
                2.0915442297780116e-09,
                2.5106274733573296e-08,
                2.75572718102198e-07,
                2.755725283351691e-06,
                2.4801587327007187e-05,
                0.00019841269876864356,
                0.0013888888888883327,
                0.008333333333325544,
                0.04166666666666667,
                0.1666666666666667,
                0.5,
            ),
            "L": (
                0.1310072138350349,
                0.13267418596474884,
                0.15386290534658992,
                0.181817947008978,
                0.2222222240054776,
                0.2857142857076445,
                0.4000000000000094,
                0.6666666666666666,
            ),
            "P": (
                -7.795898827002142e-10,
                1.3720064546774686e-08,
                -1.6208483801871705e-07,
                1.6447424703317362e-06,
                -1.492473690741966e-05,
                0.00012055294904839707,
                -0.0008548325975389692,
                0.0052239776071164225,
                -0.02686617064323777,
                0.11283791670945006,
                -0.37612638903183543,
                1.1283791670955126,
            ),
            "Q": (
                3.381355142042904e-09,
                1.2755818949624478e-06,
                2.0135111426447427e-06,
                -8.00978093907608e-06,
                -1.2845780030775907e-05,
                6.406279226046039e-05,
                4.525434558991009e-05,
                -0.0005970624964924544,
                0.0007077464666941425,
                0.004269136356961225,
                -0.024392499318915004,
                0.07166583719747308,
                -0.15011593650077898,
                0.24560380171233487,
                -0.3262335600430372,
                0.17900115118138996,
            ),
        }
    ),
)
PRECISIONS = (FLOAT, DOUBLE)

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
/* log(x) = n log(2) + log(1 + f) with x = 2^n (1 + f); log(1 + f) = 2 s + s^3 L(s^2) with s = f/(2 + f). */
static inline @real log@_(@real x)
{
    const int is_small = x < @smallest;
    const @bits bits = bits@_(is_small ? x * @scale : x) + (@one_bits - @root_bits);
    const @real power = number@_((bits >> @shift) | @exponent_bits) - @exponent_bias;
    const @real n = is_small ? power - @scale_power : power;
    const @real f = number@_((bits & @mantissa) + @root_bits) - 1.0@f;
    const @real s = f / (2.0@f + f);
    const @real z = s * s;
    const @real square = 0.5@f * f * f;
    @real value = #L0;
#L    value = value * z + @c;
    value = n * @log2_high - ((square - (s * (square + z * value) + n * @log2_low)) - f);
    return x > 0 ? (x < INFINITY ? value : x) : (x == 0 ? -INFINITY : NAN);
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

LOGADDEXP = """\
/* log(exp(a) + exp(b)), without overflow. */
static inline @real logaddexp@_(@real a, @real b)
{
    const @real larger = maximum@_(a, b);
    const @real value = larger + log1p@_(exp@_(-fabs@f(a - b)));
    return a == b ? a + 0.693147180559945309@f : value;
}
"""

SOFTPLUS = """\
/* log(1 + exp(x)), without overflow. */
static inline @real softplus@_(@real x)
{
    return maximum@_(x, 0.0@f) + log1p@_(exp@_(-fabs@f(x)));
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
/* erf(x): x P(x^2) up to 1, and 1 - exp(-G(x)) beyond. */
static inline float erf_f(float x)
{
    const float size = fabsf(x);
    const float u = x * x;
    const float a = size > 4.0f ? 4.0f : size;
    float near = #P0;
    float far = #G0;
#P    near = near * u + @c;
#G    far = far * a + @c;
    return size <= 1.0f ? x * near : copysignf(1.0f - exp_f(-far), x);
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
        "logaddexp": LOGADDEXP,
        "softplus": SOFTPLUS,
        "sigmoid": SIGMOID,
        "tanh": TANH,
        "erf": "",
    }
)
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
        >>> c_number(0.5, FLOAT), c_number(1e-5, DOUBLE), c_number(2.0, FLOAT)
        ('0.5f', '1e-05', '2.0f')
    """
    text = repr(value)
    return f"{text}{precision.literal}"


def names_of_functions(precisions: Sequence[Precision] = PRECISIONS) -> frozenset[str]:
    """Return the names that the functions take in a file."""
    own = {f"{name}{each.suffix}" for name in (*FUNCTIONS, "number") for each in precisions}
    return frozenset(own | {f"{name}{end}" for name in (*LIBRARY.values(), "copysign") for end in ("", "f")})
