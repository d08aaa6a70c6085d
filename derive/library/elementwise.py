"""Elementary functions of numbers, choices and masks, and what is said of a row as a whole."""

from derive.record import Record

PLACE = 12

RECORDS = (
    Record(
        name="neg",
        group="arithmetic",
        title="negation",
        definition="y = -x",
        source="elementary",
    ),
    Record(
        name="sub",
        group="arithmetic",
        title="subtraction",
        definition="y = a - b",
        source="elementary",
    ),
    Record(
        name="div",
        group="arithmetic",
        title="division",
        definition="y = a / b",
        domain={"b": (0.5, 2.0)},
        source="elementary",
    ),
    Record(
        name="pow",
        group="arithmetic",
        title="power of a positive number",
        definition="y = a**b",
        domain={"a": (0.5, 2.0)},
        source="elementary",
    ),
    Record(
        name="square",
        group="arithmetic",
        title="square",
        definition="y = x**2",
        source="elementary",
    ),
    Record(
        name="sqrt",
        group="arithmetic",
        title="square root",
        definition="y = sqrt(x)",
        domain={"x": (0.1, 4.0)},
        source="elementary",
    ),
    Record(
        name="log",
        group="arithmetic",
        title="natural logarithm",
        definition="y = log(x)",
        domain={"x": (0.1, 4.0)},
        source="elementary",
    ),
    Record(
        name="abs",
        group="arithmetic",
        title="absolute value, of derivative 0 at 0",
        definition="y = abs(x)",
        source="elementary",
    ),
    Record(
        name="erf",
        group="arithmetic",
        title="Gauss error function",
        definition="y = erf(x)",
        source="Abramowitz and Stegun, Handbook of Mathematical Functions, 1964, section 7.1",
    ),
    Record(
        name="select",
        group="arithmetic",
        title="choice by a mask: a where c is positive, b elsewhere",
        definition="y = where(c > 0, a, b)",
        labels=("c",),
        source="elementary",
    ),
    Record(
        name="dropout",
        group="arithmetic",
        title="dropout with a given mask m of zeros and ones, the rest scaled up; p is the share that is dropped",
        definition="y = m*x / (1 - p)",
        inputs=("x", "m", "p"),
        labels=("m",),
        defaults={"p": "0.5"},
        domain={"m": (0.0, 1.0), "p": (0.0, 0.9)},
        source="Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout, JMLR 15, 2014",
    ),
    Record(
        name="max",
        group="arithmetic",
        title="maximum over an index; the gradient goes to the first of the largest",
        definition="y[...] = max(a[...,i], i)",
        source="elementary",
    ),
    Record(
        name="norm",
        group="arithmetic",
        title="Euclidean norm over an index",
        definition="y[...] = sqrt(sum(a[...,i]**2, i))",
        source="elementary",
    ),
)
