"""Normalisations: rows, samples, groups or channels brought to mean 0 and variance 1; variances are the biased ones.

The square root is taken of the variance plus eps, so that a row of equal numbers has a gradient as any other.
"""

from derive.record import Record

PLACE = 40
USUAL_EPS = {"eps": "1e-5"}

RECORDS = (
    Record(
        name="layer-norm",
        group="normalisation",
        title="layer normalisation over the last index, with scale and shift",
        definition=(
            "mu[...] = mean(x[...,k], k); "
            "sigma[...] = sqrt(mean((x[...,k] - mu[...])**2, k) + eps); "
            "xhat[...,k] = (x[...,k] - mu[...]) / sigma[...]; "
            "y[...,k] = g[k] * xhat[...,k] + b[k]"
        ),
        inputs=("x", "g", "b", "eps"),
        defaults=USUAL_EPS,
        learned={"g": "1", "b": "0"},
        arguments={"n_features": "K"},
        source="Ba, Kiros and Hinton, Layer normalization, arXiv 1607.06450, 2016",
    ),
    Record(
        name="rms-norm",
        group="normalisation",
        title="root mean square normalisation over the last index, with scale",
        definition=(
            "sigma[...] = sqrt(mean(x[...,k]**2, k) + eps); "
            "xhat[...,k] = x[...,k] / sigma[...]; "
            "y[...,k] = g[k] * xhat[...,k]"
        ),
        inputs=("x", "g", "eps"),
        defaults=USUAL_EPS,
        learned={"g": "1"},
        arguments={"n_features": "K"},
        source="Zhang and Sennrich, Root mean square layer normalization, NeurIPS 2019",
    ),
    Record(
        name="batch-norm",
        group="normalisation",
        title="batch normalisation in training: over the samples, with scale and shift",
        definition=(
            "mu[k] = mean(x[n,k], n); "
            "sigma[k] = sqrt(mean((x[n,k] - mu[k])**2, n) + eps); "
            "xhat[n,k] = (x[n,k] - mu[k]) / sigma[k]; "
            "y[n,k] = g[k] * xhat[n,k] + b[k]"
        ),
        inputs=("x", "g", "b", "eps"),
        defaults=USUAL_EPS,
        learned={"g": "1", "b": "0"},
        arguments={"n_features": "K"},
        source="Ioffe and Szegedy, Batch normalization, ICML 2015",
    ),
    Record(
        name="group-norm",
        group="normalisation",
        title="group normalisation: channels c of group m over positions t, with scale and shift",
        definition=(
            "mu[n,m] = mean(x[n,m,c,t], c, t); "
            "sigma[n,m] = sqrt(mean((x[n,m,c,t] - mu[n,m])**2, c, t) + eps); "
            "xhat[n,m,c,t] = (x[n,m,c,t] - mu[n,m]) / sigma[n,m]; "
            "y[n,m,c,t] = g[m,c] * xhat[n,m,c,t] + b[m,c]"
        ),
        inputs=("x", "g", "b", "eps"),
        defaults=USUAL_EPS,
        learned={"g": "1", "b": "0"},
        arguments={"n_groups": "M", "n_channels": "C"},
        source="Wu and He, Group normalization, ECCV 2018",
    ),
    Record(
        name="instance-norm",
        group="normalisation",
        title="instance normalisation: each channel of a sample over its positions, with scale and shift",
        definition=(
            "mu[n,c] = mean(x[n,c,t], t); "
            "sigma[n,c] = sqrt(mean((x[n,c,t] - mu[n,c])**2, t) + eps); "
            "xhat[n,c,t] = (x[n,c,t] - mu[n,c]) / sigma[n,c]; "
            "y[n,c,t] = g[c] * xhat[n,c,t] + b[c]"
        ),
        inputs=("x", "g", "b", "eps"),
        defaults=USUAL_EPS,
        learned={"g": "1", "b": "0"},
        arguments={"n_channels": "C"},
        source="Ulyanov, Vedaldi and Lempitsky, Instance normalization, arXiv 1607.08022, 2016",
    ),
    Record(
        name="l2-normalise",
        group="normalisation",
        title="rows of length 1: eps is added to the square of the length, so that a row of zeros stays one",
        definition="r[...] = sqrt(sum(x[...,k]**2, k) + eps); y[...,k] = x[...,k] / r[...]",
        defaults={"eps": "1e-12"},
        source="elementary",
    ),
)
