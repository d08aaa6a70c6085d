"""Convolutions, pooling over windows, and shifted sequences: samples first, then channels, then positions."""

from derive.record import Record

PLACE = 35
LE_CUN = "LeCun, Bottou, Bengio and Haffner, Gradient-based learning applied to document recognition, Proc. IEEE 1998"
DUMOULIN = "Dumoulin and Visin, A guide to convolution arithmetic for deep learning, 2016"
#: What a convolution's whole numbers are called.
STEPS = {"stride": "s", "dilation": "d", "padding": "p"}

RECORDS = (
    Record(
        name="conv1d",
        group="convolution",
        title="convolution over one axis, with stride s, dilation d and padding p",
        definition="y[n,o,t] = sum(x[n,c,s*t + d*r - p] * w[o,c,r], c, r) + b[o]",
        defaults={"s": "1", "d": "1", "p": "0"},
        learned={"w": "normal", "b": "0"},
        arguments={"n_channels": "C", "n_filters": "O", "kernel": "R", **STEPS},
        source=DUMOULIN,
    ),
    Record(
        name="conv2d",
        group="convolution",
        title="convolution over two axes, with stride s, dilation d and padding p along both",
        definition="y[n,o,h,k] = sum(x[n,c,s*h + d*r - p, s*k + d*q - p] * w[o,c,r,q], c, r, q) + b[o]",
        defaults={"s": "1", "d": "1", "p": "0"},
        learned={"w": "normal", "b": "0"},
        arguments={"n_channels": "C", "n_filters": "O", "kernel": "R Q", **STEPS},
        source=DUMOULIN,
    ),
    Record(
        name="depthwise-conv1d",
        group="convolution",
        title="convolution of each channel with a kernel of its own",
        definition="y[n,c,t] = sum(x[n,c,s*t + d*r - p] * w[c,r], r) + b[c]",
        defaults={"s": "1", "d": "1", "p": "0"},
        learned={"w": "normal", "b": "0"},
        arguments={"n_channels": "C", "kernel": "R", **STEPS},
        source="Chollet, Xception: Deep learning with depthwise separable convolutions, CVPR 2017",
    ),
    Record(
        name="avg-pool1d",
        group="convolution",
        title="average over windows of R places, s apart",
        definition="y[n,c,t] = sum(x[n,c,s*t + r], r) / R",
        defaults={"R": "2", "s": "2"},
        arguments={"window": "R", "stride": "s"},
        source=LE_CUN,
    ),
    Record(
        name="avg-pool2d",
        group="convolution",
        title="average over windows of R by Q places, s apart",
        definition="y[n,c,h,k] = sum(x[n,c,s*h + r, s*k + q], r, q) / (R*Q)",
        defaults={"R": "2", "Q": "2", "s": "2"},
        arguments={"window": "R Q", "stride": "s"},
        source=LE_CUN,
    ),
    Record(
        name="max-pool1d",
        group="convolution",
        title="largest number in windows of R places, s apart",
        definition="y[n,c,t] = max(x[n,c,s*t + r], r)",
        defaults={"R": "2", "s": "2"},
        arguments={"window": "R", "stride": "s"},
        source="Zhou and Chellappa, Computation of optical flow using a neural network, ICNN 1988",
    ),
    Record(
        name="max-pool2d",
        group="convolution",
        title="largest number in windows of R by Q places, s apart",
        definition="y[n,c,h,k] = max(x[n,c,s*h + r, s*k + q], r, q)",
        defaults={"R": "2", "Q": "2", "s": "2"},
        arguments={"window": "R Q", "stride": "s"},
        source="Zhou and Chellappa, Computation of optical flow using a neural network, ICNN 1988",
    ),
    Record(
        name="shift",
        group="convolution",
        title="causal shift of a sequence by one place, 0 at its start",
        definition="y[...,t] = x[...,t - 1]",
        source="elementary",
    ),
    Record(
        name="difference",
        group="convolution",
        title="difference of each place of a sequence from the one before it",
        definition="y[...,t] = x[...,t] - x[...,t - 1]",
        source="elementary",
    ),
    Record(
        name="reverse",
        group="convolution",
        title="a sequence from its end to its start",
        definition="y[...,t] = x[...,T - 1 - t]",
        source="elementary",
    ),
)
