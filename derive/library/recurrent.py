"""Cells of recurrent networks: one step in time, from an input and the state before it to the state after it."""

from derive.record import Record

PLACE = 70
RECORDS = (
    Record(
        name="rnn-cell",
        group="recurrent",
        title="a step of the simple recurrent network",
        definition="z[n,k] = sum(x[n,d]*w[d,k], d) + sum(h0[n,j]*u[j,k], j) + b[k]; h[n,k] = tanh(z[n,k])",
        inputs=("x", "h0", "w", "u", "b"),
        learned={"w": "normal", "u": "normal", "b": "0"},
        arguments={"n_inputs": "D", "n_hidden": "J K"},
        source="Elman 1990, Finding structure in time, Cognitive Science 14:179-211",
    ),
    Record(
        name="lstm-cell",
        group="recurrent",
        title="a step of the long short-term memory, gates in the order i, f, g, o",
        definition="""
            Q = 4
            z[n,q,k] = sum(x[n,d]*w[d,q,k], d) + sum(h0[n,j]*u[j,q,k], j) + b[q,k]
            i[n,k] = sigmoid(z[n,0,k])
            f[n,k] = sigmoid(z[n,1,k])
            g[n,k] = tanh(z[n,2,k])
            o[n,k] = sigmoid(z[n,3,k])
            c[n,k] = f[n,k]*c0[n,k] + i[n,k]*g[n,k]
            s[n,k] = tanh(c[n,k])
            h[n,k] = o[n,k]*s[n,k]
            h, c
        """,
        inputs=("x", "h0", "c0", "w", "u", "b"),
        learned={"w": "normal", "u": "normal", "b": "0"},
        arguments={"n_inputs": "D", "n_hidden": "J K"},
        source="Hochreiter and Schmidhuber 1997, Long short-term memory, Neural Computation 9:1735-1780; "
        "the forget gate: Gers, Schmidhuber and Cummins 2000, Learning to forget, Neural Computation 12:2451-2471",
    ),
    Record(
        name="gru-cell",
        group="recurrent",
        title="a step of the gated recurrent unit, gates in the order r, z, n, the reset gate after the hidden product",
        definition="""
            Q = 3
            a[n,q,k] = sum(x[n,d]*w[d,q,k], d) + b[q,k]
            v[n,q,k] = sum(h0[n,j]*u[j,q,k], j) + b0[q,k]
            r[n,k] = sigmoid(a[n,0,k] + v[n,0,k])
            z[n,k] = sigmoid(a[n,1,k] + v[n,1,k])
            g[n,k] = tanh(a[n,2,k] + r[n,k]*v[n,2,k])
            h[n,k] = (1 - z[n,k])*g[n,k] + z[n,k]*h0[n,k]
        """,
        inputs=("x", "h0", "w", "u", "b", "b0"),
        learned={"w": "normal", "u": "normal", "b": "0", "b0": "0"},
        arguments={"n_inputs": "D", "n_hidden": "K"},
        source="Cho et al. 2014, Learning phrase representations using RNN encoder-decoder, EMNLP; the reset gate "
        "after the product as in cuDNN and PyTorch",
    ),
)
