"""Linear maps."""

from derive.record import Record

PLACE = 30
RECORDS = (
    Record(
        name="dense",
        group="linear",
        title="dense layer, samples in rows",
        definition="y[...,k] = sum(x[...,d] * w[d,k], d) + b[k]",
        source="Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, Nature 1986",
    ),
)
