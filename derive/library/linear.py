"""Linear maps."""

from derive.record import Record

PLACE = 30
RECORDS = (
    Record(
        name="dense",
        group="linear",
        title="dense layer, samples in rows",
        definition="y[...,k] = sum(x[...,d] * w[d,k], d) + b[k]",
        learned={"w": "normal", "b": "0"},
        arguments={"n_inputs": "D", "n_neurons": "K"},
        source="Rumelhart, Hinton and Williams, Learning representations by back-propagating errors, Nature 1986",
    ),
    Record(
        name="dense-columns",
        group="linear",
        title="dense layer, samples in columns",
        definition="f[k,n] = b[k] + sum(w[k,d] * h[d,n], d)",
        inputs=("h", "w", "b"),
        learned={"w": "normal", "b": "0"},
        arguments={"n_inputs": "D", "n_neurons": "K"},
        source="Prince, Understanding Deep Learning, MIT Press 2023, chapter 7",
    ),
    Record(
        name="matmul",
        group="linear",
        title="matrix product",
        definition="y[...,k] = sum(a[...,d] * b[d,k], d)",
        source="elementary",
    ),
    Record(
        name="batched-matmul",
        group="linear",
        title="matrix product of each pair of a batch",
        definition="y[...,i,k] = sum(a[...,i,d] * b[...,d,k], d)",
        source="elementary",
    ),
    Record(
        name="bilinear",
        group="linear",
        title="bilinear form of two rows for every output",
        definition="y[...,k] = sum(x[...,i] * w[k,i,j] * z[...,j], i, j) + b[k]",
        inputs=("x", "z", "w", "b"),
        learned={"w": "normal", "b": "0"},
        arguments={"n_left": "I", "n_right": "J", "n_neurons": "K"},
        source="Tenenbaum and Freeman, Separating style and content with bilinear models, Neural Computation 12, 2000",
    ),
    Record(
        name="outer",
        group="linear",
        title="outer product",
        definition="y[i,j] = a[i] * b[j]",
        source="elementary",
    ),
    Record(
        name="embedding",
        group="linear",
        title="rows of a table, looked up by their numbers; what is looked up twice gets both gradients",
        definition="y[...,d] = w[ids[...],d]",
        learned={"w": "normal"},
        arguments={"n_rows": "K", "n_features": "D"},
        source="Bengio, Ducharme, Vincent and Jauvin, A neural probabilistic language model, JMLR 3, 2003",
    ),
)
