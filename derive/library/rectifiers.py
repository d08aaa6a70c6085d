"""Activations made of linear pieces, of exponentials and of gates: the rectified linear unit's kin."""

from derive.record import Record

PLACE = 22
HOWARD = "Howard et al., Searching for MobileNetV3, ICCV 2019"

RECORDS = (
    Record(
        name="prelu",
        group="activations",
        title="parametric rectified linear unit, a learned slope for each feature below 0",
        definition="y[...,i] = where(x[...,i] > 0, x[...,i], a[i]*x[...,i])",
        learned={"a": "0.25"},
        arguments={"n_features": "I"},
        source="He, Zhang, Ren and Sun, Delving deep into rectifiers, ICCV 2015",
    ),
    Record(
        name="relu6",
        group="activations",
        title="rectified linear unit that ends at 6",
        definition="y = min(max(x, 0), 6)",
        source="Krizhevsky, Convolutional deep belief networks on CIFAR-10, 2010",
    ),
    Record(
        name="hard-tanh",
        group="activations",
        title="piecewise linear hyperbolic tangent",
        definition="y = min(max(x, -1), 1)",
        source="Collobert, Large scale machine learning, 2004",
    ),
    Record(
        name="hard-sigmoid",
        group="activations",
        title="piecewise linear sigmoid, a sixth as steep as x",
        definition="y = min(max(x + 3, 0), 6)/6",
        source=HOWARD,
    ),
    Record(
        name="hardswish",
        group="activations",
        title="piecewise quadratic swish",
        definition="y = x * min(max(x + 3, 0), 6)/6",
        source=HOWARD,
    ),
    Record(
        name="squared-relu",
        group="activations",
        title="square of the rectified linear unit",
        definition="y = max(x, 0)**2",
        source="So, Manke, Liu, Dai, Shazeer and Le, Primer, NeurIPS 2021",
    ),
    Record(
        name="elu",
        group="activations",
        title="exponential linear unit, saturating at -a",
        definition="y = where(x > 0, x, a*(exp(x) - 1))",
        defaults={"a": "1"},
        source="Clevert, Unterthiner and Hochreiter, Fast and accurate deep network learning by ELUs, ICLR 2016",
    ),
    Record(
        name="selu",
        group="activations",
        title="scaled exponential linear unit",
        definition="y = 1.0507009873554805*where(x > 0, x, 1.6732632423543772*(exp(x) - 1))",
        source="Klambauer, Unterthiner, Mayr and Hochreiter, Self-normalizing neural networks, NIPS 2017",
    ),
    Record(
        name="softsign",
        group="activations",
        title="softsign",
        definition="y = x / (1 + abs(x))",
        source="Turian, Bergstra and Bengio, Quadratic features and deep architectures for chunking, NAACL 2009",
    ),
    Record(
        name="swish",
        group="activations",
        title="swish, a sigmoid linear unit of steepness beta",
        definition="s = sigmoid(beta*x); y = x * s",
        inputs=("x", "beta"),
        learned={"beta": "1"},
        source="Ramachandran, Zoph and Le, Searching for activation functions, arXiv 1710.05941, 2017",
    ),
    Record(
        name="mish",
        group="activations",
        title="mish",
        definition="u = tanh(softplus(x)); y = x * u",
        source="Misra, Mish: a self regularized non-monotonic activation function, BMVC 2020",
    ),
    Record(
        name="gelu-tanh",
        group="activations",
        title="Gaussian error linear unit, approximated by a hyperbolic tangent",
        definition="u = tanh(sqrt(2/pi) * (x + 0.044715*x**3)); y = x/2 * (1 + u)",
        source="Hendrycks and Gimpel, Gaussian error linear units, arXiv 1606.08415, 2016",
    ),
    Record(
        name="quick-gelu",
        group="activations",
        title="Gaussian error linear unit, approximated by a sigmoid",
        definition="s = sigmoid(1.702*x); y = x * s",
        source="Hendrycks and Gimpel, Gaussian error linear units, arXiv 1606.08415, 2016",
    ),
)
