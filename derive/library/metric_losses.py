"""Losses of residuals, of margins, of weighted and smoothed labels, and of similarities; each a mean over samples."""

from derive.record import Record

PLACE = 62
LABEL_SMOOTHING = "Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, Rethinking the Inception architecture, CVPR 2016"
KING_ZENG = "King and Zeng, Logistic regression in rare events data, Political Analysis 9, 2001"

RECORDS = (
    Record(
        name="huber",
        group="losses",
        title="Huber loss, quadratic up to d and linear beyond, mean",
        definition="L = mean(where(abs(y[...,k] - t[...,k]) <= d, (y[...,k] - t[...,k])**2/2, "
        "d*(abs(y[...,k] - t[...,k]) - d/2)), ..., k)",
        inputs=("y", "t", "d"),
        labels=("t",),
        defaults={"d": "1"},
        domain={"d": (0.5, 2.0)},
        source="Huber, Robust estimation of a location parameter, Annals of Mathematical Statistics 35, 1964",
    ),
    Record(
        name="log-cosh",
        group="losses",
        title="logarithm of the hyperbolic cosine of the error, mean",
        definition="L = mean(log(cosh(y[...,k] - t[...,k])), ..., k)",
        inputs=("y", "t"),
        labels=("t",),
        source="Green, Bayesian reconstructions from emission tomography data, IEEE Trans. Medical Imaging 9, 1990",
    ),
    Record(
        name="multiclass-hinge",
        group="losses",
        title="multi-class hinge loss of scores, over all wrong classes (Weston and Watkins), labels as class numbers",
        definition="L = 1/N * sum(sum(max(1 + z[...,k] - z[...,t[...]], 0), k) - 1, ...)",
        inputs=("z", "t"),
        source="Weston and Watkins, Support vector machines for multi-class pattern recognition, ESANN 1999",
    ),
    Record(
        name="crammer-singer",
        group="losses",
        title="multi-class hinge loss by the worst wrong class (Crammer and Singer), labels as class numbers",
        definition="L = 1/N * sum(max(z[...,k] + 1 - delta(k, t[...]), k) - z[...,t[...]], ...)",
        inputs=("z", "t"),
        source="Crammer and Singer, On the algorithmic implementation of multiclass kernel-based vector machines, 2001",
    ),
    Record(
        name="hinge",
        group="losses",
        title="binary hinge loss of scores, labels -1 and 1",
        definition="L = mean(max(1 - t[...]*z[...], 0), ...)",
        inputs=("z", "t"),
        labels=("t",),
        domain={"t": (-1.0, 1.0)},
        source="Cortes and Vapnik, Support-vector networks, Machine Learning 20, 1995",
    ),
    Record(
        name="focal",
        group="losses",
        title="focal loss of logits, labels as class numbers; g is its focus",
        definition="p = softmax(z); L = -1/N * sum((1 - p[...,t[...]])**g * log(p[...,t[...]]), ...)",
        inputs=("z", "t", "g"),
        defaults={"g": "2"},
        domain={"g": (1.0, 3.0)},
        source="Lin, Goyal, Girshick, He and Dollar, Focal loss for dense object detection, ICCV 2017",
    ),
    Record(
        name="cce-smoothed",
        group="losses",
        title="categorical cross-entropy of logits with smoothed labels, labels as class numbers",
        definition="y = log_softmax(z); L = -1/N * sum((1 - e)*y[...,t[...]] + e/K * sum(y[...,k], k), ...)",
        inputs=("z", "t", "e"),
        defaults={"e": "0.1"},
        domain={"e": (0.0, 0.5)},
        source=LABEL_SMOOTHING,
    ),
    Record(
        name="cce-weighted",
        group="losses",
        title="categorical cross-entropy of logits, a weight for each class, labels as class numbers",
        definition="p = softmax(z); L = -sum(w[t[...]] * log(p[...,t[...]]), ...) / sum(w[t[...]], ...)",
        inputs=("z", "t", "w"),
        labels=("w",),
        domain={"w": (0.5, 2.0)},
        source=KING_ZENG,
    ),
    Record(
        name="cce-temperature",
        group="losses",
        title="categorical cross-entropy of logits at a temperature, one-hot or soft labels",
        definition="u[...,k] = z[...,k]/tau; p = softmax(u); L = cce(p, t)",
        inputs=("z", "t", "tau"),
        defaults={"tau": "1"},
        domain={"tau": (0.5, 2.0)},
        source="Hinton, Vinyals and Dean, Distilling the knowledge in a neural network, arXiv 1503.02531, 2015",
    ),
    Record(
        name="bce-weighted",
        group="losses",
        title="binary cross-entropy of logits, positive labels weighted by w",
        definition="p[...,k] = sigmoid(z[...,k]); "
        "L = -mean(w[k]*t[...,k]*log(p[...,k]) + (1 - t[...,k])*log(1 - p[...,k]), ..., k)",
        inputs=("z", "t", "w"),
        labels=("t", "w"),
        domain={"t": (0.0, 1.0), "w": (0.5, 2.0)},
        source=KING_ZENG,
    ),
    Record(
        name="cosine-similarity",
        group="losses",
        title="1 less the cosine of the angle between two vectors, mean",
        definition="ra = norm(a); rb = norm(b); "
        "c[...] = sum(a[...,i]*b[...,i], i)/(ra[...]*rb[...]); L = 1 - mean(c[...], ...)",
        source="Salton and McGill, Introduction to Modern Information Retrieval, McGraw-Hill 1983",
    ),
    Record(
        name="triplet",
        group="losses",
        title="triplet loss of squared distances with margin m, mean",
        definition="d[...] = sum((a[...,i] - p[...,i])**2, i) - sum((a[...,i] - q[...,i])**2, i); "
        "L = mean(max(d[...] + m, 0), ...)",
        inputs=("a", "p", "q", "m"),
        defaults={"m": "1"},
        domain={"m": (0.5, 2.0)},
        source="Schroff, Kalenichenko and Philbin, FaceNet, CVPR 2015",
    ),
    Record(
        name="info-nce",
        group="losses",
        title="noise-contrastive estimation within a batch: the key of a query is the one of its own number",
        definition="s[n,m] = sum(q[n,i]*k[m,i], i)/tau; p = softmax(s); L = -1/N * sum(log(p[n,n]), n)",
        inputs=("q", "k", "tau"),
        defaults={"tau": "0.1"},
        domain={"tau": (0.5, 2.0)},
        source="van den Oord, Li and Vinyals, Representation learning with contrastive predictive coding, 2018",
    ),
)
