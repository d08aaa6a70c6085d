"""What the names of arguments and attributes say: which are data, labels, parameters, sizes, upstream gradients.

Names are all that tells what a function expects before it is called. A name gives candidates in the order in which
they are tried; the forward pass decides which of them fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from codegen.checking.values import (
    BINARY,
    FLAG,
    IDS,
    NUMBER,
    ONE_HOT,
    PROBABILITIES,
    REAL,
    SIGNS,
    SIZE,
    Spec,
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


LABELS = _words(
    "y_true ytrue y_trues t target targets label labels y yt truth true actual y_actual tgt ground_truth gt y_label "
    "one_hot onehot expected classes true_labels y_batch"
)
IDENTIFIERS = _words("ids idx index indices tokens token_ids words x_ids input_ids token indexes")
UPSTREAM = _words(
    "dout dvalues dvalue dy dz da dl dloss grad gradient gradients grad_output grad_out grad_outputs output_gradient "
    "output_grad output_error upstream upstream_grad upstream_gradient delta deltas error g dh ds dnext doutput "
    "doutputs d_out d_output out_grad dnext_h dnext_c dprev_h dh_next dc_next dc grad_y grad_h grad_c dup d_values "
    "grads dl_dy dl_dz dl_dout "
    "dldy dldz dl_da dl_dh ddata eta gy gout dprobs dp dlogits dscores dh_t dc_t dact dnorm dq"
)
RATE = _words("lr learning_rate step_size rate eta alpha_lr")
OUTPUTS = _words("out output outputs y s a probs p z activation activations y_hat act h")
PROBABLE = _words("probs probabilities p prob probability q phat p_hat y_prob")
PREDICTIONS = _words(
    "y_pred predictions prediction pred preds y_hat yhat output outputs predicted ypred a y_pred_probs"
)
#: Every way of writing the same thing, by its first spelling.
SYNONYMS = {
    "x": _words("x input inputs data z logits a_prev in values inp input_data xs features scores inputdata value h"),
    "w": _words("w weight weights kernel kernels filter filters wt weight_matrix"),
    "b": _words("b bias biases bs"),
    "gamma": _words("gamma g scale gain gammas"),
    "beta": _words("beta shift betas offset"),
    "y": _words("y_pred predictions prediction pred preds y_hat yhat predicted ypred probs probabilities p"),
}
#: Names that may say "the gradient of".
GRADIENT_BEFORE = re.compile(
    r"^(?:dL_?d_?|dl_?d_?|dJ_?d_?|dloss_?d?_?|gradients?_(?:of_|wrt_)?|grad_?|g_|(?-i:g(?=[A-Z]|[wb]$))|delta_?|nabla_?|d_|d)(?=\w)",
    re.I,
)
GRADIENT_AFTER = re.compile(r"_?(?:grads?|gradients?|_d|_g|_delta|deriv|derivative)$", re.I)

_SIZES: tuple[tuple[str, str], ...] = (
    (
        "V",
        "vocab_size num_embeddings n_tokens n_words vocab vocabulary n_vocab n_embeddings vocabulary_size num_tokens",
    ),
    (
        "D",
        "n_inputs input_size in_features in_dim input_dim n_in fan_in d_in num_inputs dim d_model features n_features "
        "num_features normalized_shape size input_features inputs nin in_size embed_dim embedding_dim emb_dim "
        "model_dim n_input d_emb embedding_size embed_size d width n dims input_shape feature_dim num_in n_embd shape",
    ),
    (
        "K",
        "n_neurons output_size out_features out_dim output_dim n_out d_out units neurons num_outputs nout out_size "
        "outputs n_classes num_classes classes n_units n_output output_features d_k fan_out num_out m k head_dim d_v",
    ),
    ("J", "hidden_size n_hidden hidden_dim hidden num_hidden d_hidden hidden_units d_ff"),
    ("C", "in_channels channels num_channels c_in in_ch n_channels c input_channels"),
    ("O", "out_channels num_filters n_filters c_out out_ch filters output_channels n_kernels"),
)
_WHOLE: tuple[tuple[tuple[int, ...], str], ...] = (
    ((3, 2), "kernel_size kernel filter_size ksize k f kernel_width kernel_height kh kw window_length"),
    ((2, 3), "pool pool_size window size_pool window_size pool_h pool_w pool_height pool_width"),
    ((1, 2), "stride strides"),
    ((0, 1), "padding pad pads"),
    ((2,), "n_heads num_heads heads num_groups groups n_groups group"),
    ((1, -1, 0), "axis"),
)
_NUMBERS: tuple[tuple[float, str], ...] = (
    (1e-5, "eps epsilon"),
    (0.3, "p drop_prob dropout_rate dropout drop prob keep_prob drop_rate rate dropout_prob dropout_p"),
    (0.9, "momentum"),
    (0.7, "alpha slope negative_slope delta threshold margin temperature tau beta weight smoothing lam c"),
)
_MODE = re.compile(r"(is_?|in_?)?(train(ing)?|eval(uation)?|test(ing)?|deterministic|mode)(_?(mode|fla?g|phase|time))?")

_DATA = (("N", "D"), ("D", "N"), ("N", "T", "D"), ("N", "C", "H", "W"), ("N", "C", "T"), ("D",), ("D", "1"), ())
_TABLE: tuple[tuple[frozenset[str], tuple[tuple[str, ...], ...]], ...] = (
    (_words("w weight weights kernel kernels filters filter wx w_x wxh w1 wih w_ih filt wq wk wv"),
     (("D", "K"), ("K", "D"), ("O", "C", "R", "R"), ("O", "C", "R"), ("D",), ("D", "K4"))),
    (_words("wh w_h whh u u_h w_hh w2 whidden"), (("K", "K"), ("K", "K4"), ("J", "K"))),
    (_words("b bias biases b1"), (("K",), ("1", "K"), ("K", "1"), ("O",), ("D",), ("K4",), ())),
    (_words("gamma beta scale shift gain g"), (("D",), ("1", "D"), ("C",), ("D", "1"), ())),
    (_words("h_prev h0 prev_h h hprev h_t prev_c c_prev c0 c prev_state state hidden prev_hidden c_t"),
     (("N", "K"), ("K",), ("K", "N"), ("N", "J"))),
    (_words("q query queries"), (("T", "E"), ("N", "T", "E"), ("N", "M", "T", "E"))),
    (_words("k key keys"), (("S", "E"), ("N", "S", "E"), ("N", "M", "S", "E"), ("T", "E"), ("N", "T", "E"))),
    (_words("v value values_"), (("S", "F"), ("N", "S", "F"), ("N", "M", "S", "F"), ("T", "F"), ("N", "T", "F"),
      ("S", "E"), ("N", "S", "E"))),
)  # fmt: skip
#: States that cells with gates have beside the hidden one.
_CELLS = _words("prev_c c_prev c0 c_t cell prev_cell cprev")
#: Operands of binary operations: a matrix product's, or two of one shape.
_SECOND = (("D", "K"), ("N", "D"), ("D",), ())


def canonical(name: str) -> str:
    """Return the first spelling of a name: ``weights`` is ``w``.

    Example:
        >>> canonical("Weights"), canonical("W1"), canonical("my_input")
        ('w', 'w1', 'my_input')
    """
    plain = name.lower().strip("_")
    stem = plain.rstrip("0123456789")
    for first, words in SYNONYMS.items():
        if stem.removesuffix("_") in words:
            return first + plain[len(stem) :]
    return plain


def gradient_names(name: str) -> list[str]:
    """Return what a name may call the gradient of; nothing where it is no gradient's name.

    Example:
        >>> gradient_names("dweights"), gradient_names("grad_W"), gradient_names("W_grad"), gradient_names("output")
        (['weights'], ['W'], ['W'], [])
    """
    found = []
    for pattern in (GRADIENT_BEFORE, GRADIENT_AFTER):
        rest = pattern.sub("", name.strip("_"), count=1)
        if rest and rest != name.strip("_"):
            found.append(rest)
    return found


def is_label(name: str) -> bool:
    return name.lower().strip("_") in LABELS


def in_usual_order(names: Sequence[str]) -> list[str]:
    """Return arguments with the predictions first, where labels stand before them.

    Example:
        >>> in_usual_order(["y_true", "y_pred"]), in_usual_order(["y", "t"])
        (['y_pred', 'y_true'], ['y', 't'])
    """
    rest = names[1:]
    if not rest or not is_label(names[0]) or any(is_label(each) for each in rest):
        return list(names)
    place = next((at for at, each in enumerate(rest, 1) if each.lower().strip("_") in PREDICTIONS | PROBABLE), 0)
    return [names[place], *names[:place], *names[place + 1 :]]


def is_upstream(name: str) -> bool:
    """Whether a name is one that upstream gradients have."""
    plain = name.lower().strip("_")
    return plain in UPSTREAM or bool(re.match(r"(grad|dl_?d|upstream|d_?out|d_?next)", plain))


def argument_specs(name: str, labelled: bool, position: int, others: Iterable[str]) -> list[Spec]:
    """Return what an argument of a forward pass may be, in the order to try.

    Args:
        labelled: whether labels are passed too, so that what comes in are scores of classes.
        position: its place among the arguments.
        others: the names of all arguments.
    """
    plain = name.lower().strip("_")
    others = {each.lower().strip("_") for each in others}
    if is_mode(plain):
        return [Spec(FLAG)]
    if position and (labelled and plain in LABELS):
        return label_specs()
    if plain in IDENTIFIERS or (plain in ("mask", "m") and position):
        axes = (("N", "T"), ("N",))
        if plain in ("mask", "m"):
            return [Spec(BINARY, each) for each in (("N", "D"), ("T", "T"), ("N", "T"), ("T", "S"))]
        return [Spec(IDS, each, below="V") for each in axes]
    if others & IDENTIFIERS and canonical(plain).startswith("w"):
        return [Spec(REAL, ("V", "E"))]
    if plain == "b" and others == {"a", "b"}:
        return [Spec(REAL, axes) for axes in _SECOND]
    rows = {"q", "k", "v", "query", "key", "value", "keys", "queries"} & others
    for words, shapes in _TABLE:
        if plain in words and (position or (rows and plain in ("q", "query", "queries"))):
            if plain in ("k", "v", "key", "value", "keys") and len(rows) < 2:
                continue
            return [Spec(REAL, axes) for axes in _sorted(shapes, words, others)] + size_specs(name)
    known = size_specs(name)
    if known and position:
        return known
    if position and plain in PROBABLE:
        return [Spec(PROBABILITIES, axes) for axes in _DATA]
    if position:
        return [Spec(REAL, axes) for axes in (_SECOND if not labelled else (("N", "K"), ("K",), ()))]
    shapes = _DATA if not labelled else (("N", "K"), ("N", "T", "K"), ("N",), ("K",), ("K", "N"))
    real = [Spec(REAL, axes) for axes in shapes]
    probable = [Spec(PROBABILITIES, axes) for axes in shapes]
    ids = [Spec(IDS, axes, below="V") for axes in (("N", "T"), ("N",))]
    if plain in PROBABLE or (labelled and plain in PREDICTIONS):
        return probable + real
    return [*real, *probable, *ids]


def _sorted(shapes: tuple[tuple[str, ...], ...], words: frozenset[str], others: Iterable[str]) -> list[tuple[str, ...]]:
    """Shapes in the order that the other arguments' names suggest.

    A cell's state beside a hidden state makes weights of four gates; a bias without weights has the inputs' size.
    """
    stems = {canonical(each) for each in others}
    gates = bool(set(others) & _CELLS)
    alone = "b" in words and not any(each[0] in "wuk" for each in stems if each)

    def rank(axes: tuple[str, ...]) -> int:
        return (0 if gates and "K4" in axes else 1) + (0 if alone and "D" in axes else 1)

    return sorted(shapes, key=rank)


def label_specs() -> list[Spec]:
    """Return the kinds of labels: class numbers, one-hot rows, numbers 0 and 1, numbers -1 and 1."""
    return [
        Spec(IDS, ("N",), below="K"),
        Spec(ONE_HOT, ("N", "K")),
        Spec(BINARY, ("N", "K")),
        Spec(BINARY, ("N",)),
        Spec(SIGNS, ("N",)),
        Spec(SIGNS, ("N", "K")),
        Spec(IDS, ("N", "T"), below="K"),
        Spec(ONE_HOT, ("N", "T", "K")),
        Spec(ONE_HOT, ("K", "N"), along=0),
        Spec(BINARY, ("K",)),
    ]


def size_specs(name: str) -> list[Spec]:
    """Return what a setting of a constructor or function may be: a size, a whole number or a number."""
    plain = name.lower().strip("_")
    found: list[Spec] = []
    for letter, words in _SIZES:
        if plain in words.split():
            found.append(Spec(SIZE, (letter,)))
    for numbers, words in _WHOLE:
        if plain in words.split():
            found.extend(Spec(NUMBER, number=number) for number in numbers)
    for number, words in _NUMBERS:
        if plain in words.split():
            found.append(Spec(NUMBER, number=number))
    if is_mode(plain):
        found.append(Spec(FLAG))
    return found


def is_mode(name: str) -> bool:
    """Whether a name says that a layer is trained, or is not.

    Example:
        >>> [name for name in ("is_training", "train_flg", "mode", "trained_on", "model") if is_mode(name)]
        ['is_training', 'train_flg', 'mode']
    """
    return _MODE.fullmatch(name.lower().strip("_")) is not None


def constructor_specs(name: str) -> list[Spec]:
    """Return what an argument of a constructor may be, in the order to try."""
    plain = name.lower().strip("_")
    for words, shapes in _TABLE[:4]:
        if plain in words and plain not in ("g",):
            return [Spec(REAL, axes) for axes in shapes] + size_specs(name)
    known = size_specs(name)
    return known or [Spec(SIZE, ("D",)), Spec(NUMBER, number=0.7), Spec(SIZE, ("K",)), Spec(REAL, ("D", "K"))]
