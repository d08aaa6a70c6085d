"""The three kinds of refusal, and the text that goes with each.

Unsupported yet, impossible, and the caller's mistake are three classes, so that a program can tell them apart and a
person reads what was expected and how to mend it.
"""

from __future__ import annotations


class DeriveError(Exception):
    """Whatever this project refuses to do; the command line prints its text and exits with 2."""


class EngineError(Exception):
    """The engine contradicts itself: a defect of this project, never of the input, and never a verdict."""


class InputError(DeriveError):
    """The caller's mistake: an unknown name, an ill-formed text, sizes that do not fit."""


class UnsupportedError(DeriveError):
    """A well-formed request that the engine can not serve yet."""


class ImpossibleError(DeriveError):
    """A request that no engine could serve, such as the derivative of an integer label."""


class DefinitionError(InputError):
    """A mistake in a definition's text, shown with the text and a caret under the place.

    Example:
        >>> print(DefinitionError("unknown function 'sigmod'", "y = sigmod(x)", 4, 6, "did you mean 'sigmoid'?"))
        unknown function 'sigmod'
          y = sigmod(x)
              ^^^^^^
        did you mean 'sigmoid'?
    """

    def __init__(self, problem: str, text: str, offset: int, length: int = 1, expected: str = "") -> None:
        self.problem = problem
        self.text = text
        self.offset = offset
        self.expected = expected
        before = text[:offset]
        line_start = before.rfind("\n") + 1
        line_end = text.find("\n", offset)
        line = text[line_start : line_end if line_end >= 0 else len(text)]
        column = offset - line_start
        carets = "^" * max(1, min(length, len(line) - column))
        shown = [problem, f"  {line}", f"  {' ' * column}{carets}"]
        super().__init__("\n".join(shown + ([expected] if expected else [])))
