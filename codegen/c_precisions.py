"""The two types of numbers in C: the bits that their functions need, and the coefficients of polynomials.

Highest power first, the polynomials are interpolations at Chebyshev's points made with mpmath in 60 digits: E(r) =
(exp(r) - 1 - r)/r^2 on [-log(2)/2, log(2)/2]; L(z) = (log((1 + s)/(1 - s)) - 2 s)/s^3 with z = s^2, where (1 + s)/(1 -
s) lies between the square roots of 1/2 and 2, and U the same where it lies between 1 and 2. Those of the error function
are those of ``codegen.helpers``: for float A and B, for double P and Q. A test computes them again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from codegen.helpers import ERF_ABOVE, ERF_BELOW, ERF_NEAR_ZERO, ERFC_BEYOND_ONE

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
            "U": (0.23283684, 0.2169502, 0.28593045, 0.39999694, 0.6666667),
            "A": ERF_ABOVE,
            "B": ERF_BELOW,
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
            "P": ERF_NEAR_ZERO,
            "U": (
                0.15334051947503388,
                0.0627392927134182,
                0.09957203842424124,
                0.10478241518510166,
                0.11768187657425612,
                0.13333166249794812,
                0.15384620639509383,
                0.18181818077374218,
                0.22222222223444124,
                0.285714285714212,
                0.4000000000000002,
                0.6666666666666666,
            ),
            "Q": ERFC_BEYOND_ONE,
        }
    ),
)
PRECISIONS = (FLOAT, DOUBLE)
