"""The command line: ``derive tour | list | show | hessian | latex | code | pages | verify | prove | pairs | check |
report | train``.

Exit status: 0 when all went well, 1 when a verification fails or a claim is refuted, 2 for a mistake in what was typed,
3 when a claim is not decided, 70 when the engine contradicts itself.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping, Sequence

from derive import __version__, commands
from derive.check_command import add_check
from derive.errors import DeriveError, EngineError
from derive.notation import known_notations
from derive.options import SECONDS, Parser, seconds
from derive.plot_command import add_plot
from derive.report_command import add_report
from derive.train_command import add_train
from derive.verify_command import run_prove, run_verify
from derive.vocabulary import nearest

#: Exit status for what is nobody's mistake but the program's, as systems have it.
DEFECT = 70
NAME_HELP = 'a name from `derive list`, or a definition such as "y[n,k] = exp(x[n,k]) / sum(exp(x[n,j]), j)"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser, verbs = _parser()
    typed = _joined(sys.argv[1:] if arguments is None else arguments)
    if typed and not typed[0].startswith("-") and typed[0] not in verbs:
        near = nearest(typed[0], verbs)
        parser.error(f"there is no command {typed[0]!r}" + (f"; did you mean {near}?" if near else ""))
    if typed and typed[0].startswith("-") and not parser.knows(typed[0]):
        parser.error(parser.unknown(typed[:1]))
    options, rest = parser.parse_known_args(typed)
    if rest:
        verbs[options.command].error(verbs[options.command].unknown(rest))
    if sys.stdout is None:
        print("derive: standard output is closed; there is nowhere to write", file=sys.stderr)
        return 2
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # A terminal that has no ȳ shows a question mark.
    try:
        status: int = options.run(options)
        sys.stdout.flush()
    except DeriveError as error:
        print(f"derive: {error}", file=sys.stderr)
        return 2
    except EngineError as error:
        print(f"derive: a defect of derivegen, please report it: {error}", file=sys.stderr)
        return DEFECT
    except RecursionError:
        print("derive: a defect of derivegen, please report it: it goes round in circles", file=sys.stderr)
        return DEFECT
    except MemoryError:
        print("derive: there is not enough memory for what was asked", file=sys.stderr)
        return 2
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        print(f"derive: cannot write: {error.strerror}", file=sys.stderr)
        return 2
    return status


def _parser() -> tuple[Parser, Mapping[str, Parser]]:
    """The parser of the command line, and those of the commands by their names."""
    parser = Parser(prog="derive", description="Formulas in; derivations, backward passes and proofs out.")
    parser.add_argument("--version", action="version", version=f"derivegen {__version__}")
    verbs = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    tour = verbs.add_parser("tour", help="what it does, on softmax with cross-entropy")
    tour.set_defaults(run=commands.run_tour)

    listing = verbs.add_parser("list", help="the catalogue")
    listing.add_argument("word", metavar="WORD", nargs="*", help="only what has these words in name, group or title")
    listing.set_defaults(run=commands.run_list)

    show = verbs.add_parser("show", help="an operation and its gradients")
    show.add_argument("name", metavar="NAME", help=NAME_HELP)
    show.set_defaults(run=commands.run_show)

    hessian = verbs.add_parser("hessian", help="the second derivatives of a loss, and their product with a direction")
    hessian.add_argument("name", metavar="NAME", help=NAME_HELP)
    hessian.add_argument("--and", dest="also", metavar="W", help="the other input of a mixed block")
    hessian.set_defaults(run=commands.run_hessian)

    latex = verbs.add_parser("latex", help="a derivation as LaTeX")
    latex.add_argument("name", metavar="NAME", help=NAME_HELP)
    latex.add_argument("--steps", action="store_true", help="every step, not the result alone")
    latex.add_argument("--hessian", action="store_true", help="the second derivatives of a loss, not the first ones")
    latex.set_defaults(run=commands.run_latex)

    code = verbs.add_parser("code", help="a standalone NumPy module, or a C file")
    code.add_argument("name", metavar="NAME", nargs="+", help=NAME_HELP)
    code.add_argument(
        "--hvp",
        metavar="X",
        action="append",
        default=[],
        help="with a loss's Hessian-vector product by this input",
    )
    code.add_argument(
        "--wrt", metavar="X", action="append", default=[], help="an input to differentiate by; all when left out"
    )
    code.add_argument("--target", default="numpy", metavar="numpy|c", help="the language (default: numpy)")
    code.set_defaults(run=commands.run_code)

    pages = verbs.add_parser("pages", help="the catalogue as Markdown: definitions, derivations, code")
    pages.add_argument("folder", metavar="FOLDER", help="where to write them, a page an operation")
    left_out = "operations; the whole catalogue when left out"
    pages.add_argument("name", metavar="NAME", nargs="*", default=[], help=left_out)
    pages.set_defaults(run=commands.run_pages)

    verify = verbs.add_parser("verify", help="prove the gradients and hold the code against them, or check your own")
    verify.add_argument("name", metavar="NAME", help=NAME_HELP)
    verify.add_argument("--claim", metavar="EXPR", help='your gradient by X, such as "(p[n,k] - t[n,k])/N"')
    verify.set_defaults(run=run_verify)

    prove = verbs.add_parser("prove", help="prove an equation for all sizes, or refute it with numbers")
    prove.add_argument("claim", metavar="LEFT = RIGHT", help='such as "diff(L, z[n,k]) = (p[n,k] - t[n,k])/N"')
    prove.add_argument(
        "--where", metavar="DEF", action="append", default=[], help='a definition, such as "p = softmax(z)"'
    )
    prove.set_defaults(run=run_prove)

    pairs = verbs.add_parser("pairs", help="activations and losses whose gradient is (prediction - target)/N")
    pairs.set_defaults(run=commands.run_pairs)

    add_check(verbs)
    add_plot(verbs)
    add_report(verbs)
    add_train(verbs)

    for command in (hessian, verify, prove):
        command.add_argument("--steps", action="store_true", help="show the steps")
    for command in (verify, prove):
        command.add_argument(
            "--seconds", metavar="S", type=seconds, help=f"how long to try a claim (default: {SECONDS:g})"
        )
    for command in (show, hessian, latex, code, verify, prove):
        command.add_argument("--notation", default="bar", metavar="|".join(known_notations()), help="default: bar")
    for command in (show, hessian, latex, verify):
        command.add_argument("--wrt", metavar="X", help="the input to differentiate by; all when left out")
    for command in (show, latex):
        command.add_argument(
            "--parts", action="store_true", help="the backward pass by its parts, gradients of intermediates by name"
        )
    for command in (show, latex, verify):
        command.add_argument(
            "--output", metavar="Y", help="the output whose Jacobian is meant, where there are several"
        )
    for command in (show, hessian, latex, code, verify, prove):
        command.add_argument(
            "--given", metavar="FACT", action="append", default=[], help='a fact to use, such as "sum(t[n,k], k) = 1"'
        )
    code.add_argument(
        "--general",
        action="store_true",
        help="take nothing for granted; of a network, what its loss says of usual labels is otherwise",
    )
    for command in (latex, code):
        command.add_argument(
            "-o", dest="file", metavar="FILE", help="write to this file instead of the screen; - is the screen"
        )
    return parser, verbs.choices


def _joined(arguments: Sequence[str]) -> list[str]:
    """Formulas may begin with a minus: they are joined to their options, and set off where they stand alone."""
    result: list[str] = []
    for argument in arguments:
        if result and result[-1] in ("--claim", "--given", "--where") and argument.startswith("-"):
            result[-1] += f"={argument}"
        elif "=" in argument and argument.startswith("-") and not argument.startswith("--"):
            result.append(f" {argument}")
        else:
            result.append(argument)
    return result


if __name__ == "__main__":
    sys.exit(main())
