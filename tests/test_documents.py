"""Reports: one model in four formats and four languages, each read by something that knows nothing of its writer."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from sympy import Integer

import codegen
import derive
from codegen.documents import Report, report
from codegen.documents.contents import Contents
from codegen.documents.model import (
    Display,
    Document,
    Fold,
    Formula,
    Line,
    Listing,
    Paragraph,
    Picture,
    Section,
    Steps,
    Table,
    Words,
    walk,
    words,
)
from codegen.documents.phrases import reason
from codegen.figures import curve
from codegen.phrases import LANGUAGES, PHRASES, phrase
from derive.__main__ import main
from derive.derivation import by_itself
from derive.differentiation import CONSTANTS_RULE, ELEMENT_RULE, RULES
from derive.errors import InputError
from derive.indices import Tensor
from derive.networks import called
from derive.rendering import count_of_lines
from derive.sums import tensors_in

ROOT = Path(__file__).parent.parent
FOREIGN = [language for language in LANGUAGES if language != "en"]
LONG = "a = x*w; b = tanh(a); c = b*x; d = tanh(c); e = d*b + c; y = tanh(e)*d*a"
#: A loss with a fact, several gradients of which one has a kink, a long operation by its parts, a definition.
NAMES = ["softmax-cce", "dense", "prelu", LONG, "y[n] = where(x[n] > 0, x[n], exp(x[n]) - 1)"]
_MADE: dict[tuple[str, ...], Report] = {}


def made(name: str, language: str = "en") -> Report:
    """A report, made once."""
    if (name, language) not in _MADE:
        _MADE[name, language] = report(name, language=language)
    return _MADE[name, language]


def lines_of(document: Document) -> Iterator[Line]:
    """All lines of a document."""
    for block in walk(document.blocks):
        match block:
            case Paragraph(line) | Fold(line, _) | Section(line, _):
                yield line
            case Table(head, rows):
                yield from (*head, *(cell for row in rows for cell in row))
            case Steps(chains):
                yield from (why for chain in chains for _, why in chain.rights)


def prose(document: Document) -> str:
    """The words between the formulas, without the title, which the record has in English."""
    first, *others = ("".join(piece.text for piece in line if isinstance(piece, Words)) for line in lines_of(document))
    title = document.blocks and isinstance(document.blocks[0], Paragraph)
    return "\n".join(others if title else [first, *others])


# ---- phrases ----


def places(text: str) -> Counter[str]:
    return Counter(re.findall(r"\{(\w+)\}", text))


@pytest.mark.parametrize("text", PHRASES)
def test_a_phrase_has_every_language_and_the_same_places(text: str) -> None:
    assert len(PHRASES[text]) == len(FOREIGN)
    assert all(PHRASES[text])
    assert all(places(foreign) == places(text) for foreign in PHRASES[text])


def test_a_chinese_phrase_is_chinese_and_the_others_are_not() -> None:
    for text, (german, chinese, french) in PHRASES.items():
        assert re.search(r"[\u4e00-\u9fff]", chinese), text
        assert not re.search(r"[\u2e80-\u9fff]", text + german + french)


def rules_in_the_sources() -> set[str]:
    """The names of rules, as they stand in the calls that make steps."""
    found = {name for name, _ in RULES.values() if name} | {ELEMENT_RULE, CONSTANTS_RULE}
    for path in (ROOT / "derive").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                place = {"Step": 0, "_add": 1, "Line": 1}.get(called)
                if place is not None and len(node.args) > place:
                    found |= {each.value for each in ast.walk(node.args[place]) if isinstance(each, ast.Constant)}
    names = {name for name in found if isinstance(name, str) and re.fullmatch(r"[a-z][a-z, -]+", name)}
    return names - {"conclusion"}  # It is checked, and never printed.


def test_every_rule_has_a_phrase() -> None:
    rules = rules_in_the_sources()
    assert {"fold back", "insert the derivatives", "derivative of erf", "constants drop out", "written out"} <= rules
    for rule in sorted(rules):
        said = "".join(piece.text for piece in reason(rule, "de") if isinstance(piece, Words))
        assert said != rule, f"{rule} has no phrase"


def test_every_reason_of_the_catalogue_is_in_the_language() -> None:
    for name in ("softmax-cce", "layer-norm", "prelu", "log-cosh", "solve", "max-pool1d", "erf", "lstm-cell"):
        if name in derive.catalogue():
            for derivation in derive.by_parts(name):
                for step in derivation.steps:
                    for text in filter(None, (step.rule, step.note)):
                        assert reason(text, "de") != (Words(text),) or text == "definition", text


def test_what_a_rule_is_called() -> None:
    def said(text: str, language: str) -> str:
        return "".join(piece.text for piece in reason(text, language) if isinstance(piece, Words))

    assert [said("chain rule", language) for language in LANGUAGES] == [
        "chain rule", "Kettenregel", "链式法则", "règle de la chaîne",
    ]  # fmt: skip
    assert said("sum rule, derivative of exp", "de") == "Summenregel, Ableitung von exp"
    assert said("derivative of exp, sum rule", "zh") == "exp 的导数、求和法则"
    assert said("nobody said this", "fr") == "nobody said this"


@pytest.mark.parametrize("language", FOREIGN)
@pytest.mark.parametrize("name", ["softmax-cce", "prelu"])
def test_nothing_is_said_in_english(name: str, language: str) -> None:
    text = prose(made(name, language).document)
    for english in PHRASES:
        parts = re.split(r"\{\w+\}", english)
        foreign = phrase(english, language)
        whole = max(parts, key=len).strip(" .:,")
        if len(whole) > 3 and whole.lower() not in foreign.lower():
            assert not re.search(rf"\b{re.escape(whole)}\b", text), f"{whole!r} is said in {language}"
    assert made(name, language).document.language == language


def test_the_check_of_languages_sees_an_english_word() -> None:
    text = prose(made("softmax-cce").document)
    assert "chain rule" in text and "Kettenregel" not in text
    assert "Kettenregel" in prose(made("softmax-cce", "de").document)


# ---- contents ----


def headings(document: Document) -> list[str]:
    return [
        "".join(piece.text for piece in block.heading if isinstance(piece, Words)).strip()
        for block in document.blocks
        if isinstance(block, Section)
    ]


def test_a_report_has_its_parts_in_order() -> None:
    assert headings(made("softmax-cce").document) == ["Definition", "Pictures", "Gradients", "Proof", "Code", "Source"]
    assert headings(made(NAMES[-1]).document) == ["Definition", "Pictures", "Gradients", "Proof", "Code"]


def test_a_result_stands_before_its_steps_and_has_its_shorter_form() -> None:
    text = made("softmax-cce").markdown()
    result, shorter, steps = (
        text.index(part)
        for part in (
            r"= \frac{p_{n,k} \sum_{j=1}^{K} t_{n,j} - t_{n,k}}{N}$$",
            r"= \frac{p_{n,k} - t_{n,k}}{N}$$",
            "1. definition",
        )
    )
    assert result < shorter < steps
    assert "derive verify" not in text
    assert r"| $\frac{\partial L}{\partial z_{n,k}}$ | proved | every $N$ and $K$ | 15, each equal" in text
    assert re.search(
        r"^\| central differences \| N = 2 × 3, K = \d \| \$.*10\^\{-\d+\}\$ \| \$10\^\{-6\}\$ \|$", text, re.M
    )


def test_a_long_operation_is_told_by_its_parts() -> None:
    document = made(LONG).document
    assert "gradients of intermediates keep their names" in prose(document)
    assert "gradients of intermediates keep their names" not in prose(made("dense").document)
    parts = derive.by_parts(LONG)
    results = [block.formula.sides[1] for block in walk(document.blocks) if isinstance(block, Display)]
    assert [part.result for part in parts] == results[-len(parts) :]


def test_the_parts_of_a_loss_begin_with_one_and_have_the_shorter_forms() -> None:
    contents = Contents(derive.find("dense > relu > dense > softmax > cce"))
    text = Report(Document("network", "en", tuple(contents.gradients()))).markdown()
    assert "there is no upstream gradient" in text and r"\bar{L}" not in text
    shorter = text.index(r"= \frac{p_{n,j} - t_{n,j}}{N}$$")
    assert "Given $" in text[:shorter]
    assert r"\bar{y}" in made("dense").markdown(), "what is no loss keeps its upstream gradient"
    assert not list(contents.title()), "its layers are the heading already"
    assert called(contents.operation) == "dense > relu > dense > softmax > cce"


def test_what_is_derived_of_a_loss_by_itself_holds_where_its_own_gradient_is_one() -> None:
    (part,) = derive.by_parts("softmax-cce-sparse")
    plain = by_itself(part)
    upstream = part.operation.upstreams[0]
    assert upstream in tensors_in(part.result) and upstream not in tensors_in(plain.result)
    assert all(upstream not in tensors_in(step.before) | tensors_in(step.after) for step in plain.steps)
    assert part.result.xreplace({upstream(): Integer(1)}) == plain.result
    (gradient,) = derive.by_parts("softmax")
    assert by_itself(gradient) is gradient


def test_steps_are_counted_as_they_are_shown() -> None:
    derivation = derive.vjp("sigmoid", "x")
    shown = count_of_lines(derivation)
    first = derivation.steps[0]
    unseen = replace(first, before=first.after)
    assert count_of_lines(replace(derivation, steps=(first, unseen, *derivation.steps[1:]))) == shown
    assert count_of_lines(replace(derivation, steps=derivation.steps[:-1])) == shown  # The result closes it.
    assert count_of_lines(replace(derivation, steps=derivation.steps[:-2])) == shown - 1


def test_a_kink_is_told_where_there_is_one() -> None:
    assert "At a kink or a tie, where there may be no derivative" in prose(made("prelu").document)
    assert "At a kink" not in prose(made("softmax-cce").document)


def test_several_operations_have_a_section_each() -> None:
    assert headings(report("relu", "exp", "relu").document) == ["relu", "exp"]


def test_two_definitions_of_one_name_have_pictures_of_their_own(tmp_path: Path) -> None:
    files = report("y = a*b", "y = a + b").save(tmp_path / "r.md")
    assert [path.name for path in files] == ["r.md", "r-y-graph.svg", "r-y-2-graph.svg"]
    assert files[1].read_bytes() != files[2].read_bytes()


# ---- HTML ----

VOID = {"meta"}


class Page(HTMLParser):
    """Reads a page strictly: every element is closed where it must be, and what it refers to is noted."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.attributes: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        self.close()
        assert not self.open, f"{self.open} are not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.attributes.append((tag, named))
        self.ids += [str(named["id"])] if "id" in named else []
        self.targets += [str(named["href"])] if "href" in named else []
        self.open += [] if tag in VOID else [tag]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open.pop() == tag, f"</{tag}> closes nothing"


def loads(text: str) -> list[str]:
    """What a page would load from elsewhere, or run; the names of XML's own languages are no addresses."""
    plain = re.sub(r'xmlns(:\w+)?="[^"]*"', "", text)
    return re.findall(r"https?://[^\s\"<]*|<script|<link|<iframe|<img|@import|url\([^#)][^)]*\)|\son\w+=", plain)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_well_formed_and_loads_nothing(name: str) -> None:
    text = made(name, "fr").html()
    page = Page(text)
    assert loads(text) == []
    assert len(page.ids) == len(set(page.ids)) > 3
    assert page.targets and all(target.removeprefix("#") in page.ids for target in page.targets)
    named = dict(page.attributes)
    assert named["html"]["lang"] == "fr"
    assert "width=device-width" in str([attributes for tag, attributes in page.attributes if tag == "meta"])
    for math in re.findall(r"<math[^>]*>.*?</math>", text):
        ElementTree.fromstring(math)
    assert text.count("<details>") == sum(isinstance(block, Fold) for block in walk(made(name, "fr").document.blocks))


def test_the_reader_of_pages_sees_what_is_wrong() -> None:
    text = made("dense").html()
    with pytest.raises(AssertionError, match="closes nothing"):
        Page(text.replace("</details>", "", 1))
    with pytest.raises(AssertionError, match="are not closed"):
        Page(text.replace("</html>", ""))
    assert loads(text.replace("<h1>", '<img src="https://example.org/x.png"><h1>')) != []
    assert loads("<style>@font-face { src: url(font.woff) }</style>") != []


def test_what_a_user_typed_is_text_in_a_page() -> None:
    text = made("y[n] = where(x[n] > 0, x[n], exp(x[n]) - 1)").html()
    assert "x[n] &gt; 0" in text and "x[n] > 0," not in text


def test_a_picture_is_a_part_of_the_page_and_has_words(tmp_path: Path) -> None:
    def draw(kind: str) -> bytes:
        return (
            b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><g/></svg>' if kind == "svg" else b"\x89PNG"
        )

    picture = Picture("graph", 'nodes & "edges"', draw)
    drawn = Report(Document("pictures", "en", (Section(words("Pictures"), (picture,)),)))
    page = drawn.html()
    Page(page)
    assert 'aria-label="nodes &amp; &quot;edges&quot;"' in page and "<?xml" not in page and loads(page) == []
    assert [path.name for path in drawn.save(tmp_path / "r.md")] == ["r.md", "r-graph.svg"]
    assert "](r-graph.svg)" in (tmp_path / "r.md").read_text("utf-8")
    assert [path.name for path in drawn.save(tmp_path / "r.tex")] == ["r.tex", "r-graph.png"]
    assert [path.name for path in drawn.save(tmp_path / "r.html")] == ["r.html"]
    *_, cell = nbformat.reads(drawn.notebook(), as_version=4).cells
    assert list(cell.attachments) == ["graph.png"] and "](attachment:graph.png)" in cell.source


# ---- Markdown and LaTeX ----


def unspaced(text: str) -> str:
    """LaTeX without what sets it on lines."""
    return re.sub(r"\\\\(\[1ex\])?|\\quad|\\begin\{aligned\}|\\end\{aligned\}|[&\s]", "", text)


def balanced(text: str) -> bool:
    """Whether braces, brackets that grow and environments are closed in order, outside of listings."""
    text = re.sub(r"\\begin\{verbatim\}.*?\\end\{verbatim\}", "", text, flags=re.DOTALL)
    stack: list[str] = []
    for sign in re.findall(r"\\begin\{\w+\*?\}|\\end\{\w+\*?\}|\\left|\\right(?!arrow)|\\[{}]|[{}]", text):
        if sign.startswith(r"\begin"):
            stack.append(sign[6:])
        elif sign in ("{", r"\left"):
            stack.append({"{": "}", r"\left": r"\right"}[sign])
        elif sign not in (r"\{", r"\}") and (not stack or stack.pop() != sign.removeprefix(r"\end")):
            return False
    return not stack and text.count("$") % 2 == 0


@pytest.mark.parametrize("name", NAMES)
def test_markdown_and_latex_have_the_same_formulas(name: str) -> None:
    made_here = made(name, "de")
    markdown, latex = made_here.markdown(), unspaced(made_here.latex())
    formulas = [block.formula for block in walk(made_here.document.blocks) if isinstance(block, Display)]
    assert len(formulas) > 1
    for formula in formulas:
        assert f"$${formula.latex}$$" in markdown
        assert unspaced(formula.latex) in latex
    steps = [block for block in walk(made_here.document.blocks) if isinstance(block, Steps)]
    assert len(re.findall(r"^\d+\. ", markdown, re.MULTILINE)) == sum(
        len(chain.rights) for block in steps for chain in block.chains
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_latex_is_balanced_and_in_letters_that_tex_has(language: str) -> None:
    text = made("softmax-cce", language).latex()
    assert balanced(text)
    assert not balanced(text.replace(r"\right", "", 1)) and not balanced(text.replace("}", "", 1))
    assert text.isascii() == (language != "zh")
    assert ("ctex" in text) == (language == "zh")


def test_pdflatex_compiles_a_report(tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("pdflatex is not installed")
    for name in ("softmax-cce", LONG):
        made(name, "de").save(tmp_path / "report.tex")
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"],
            cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=240, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
        assert "Overfull" not in done.stdout, re.findall(r"Overfull.*\n.*", done.stdout)


def test_markdown_keeps_its_signs_from_words() -> None:
    text = Report(Document("a_b", "en", (Paragraph((Words("x * y | <z> $1"),)),))).markdown()
    assert text == "# a\\_b\n\nx \\* y \\| \\<z\\> \\$1\n"


# ---- notebooks ----


@pytest.mark.parametrize("name", NAMES[:2])
def test_a_notebook_is_valid_and_its_code_runs(name: str) -> None:
    notebook = nbformat.reads(made(name).notebook(), as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[0].source.startswith(f"# {name}")
    assert "".join(cell.source for cell in notebook.cells).count("$$") % 2 == 0
    namespace: dict[str, object] = {}
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    for source in code:
        exec(compile(source, name, "exec"), namespace)
    assert len(code) == 1 and callable(namespace[f"{name.replace('-', '_')}_backward"])


def test_the_check_of_notebooks_sees_a_wrong_one() -> None:
    spoilt = json.loads(made("dense").notebook())
    del spoilt["cells"][0]["metadata"]
    with pytest.raises(nbformat.ValidationError):
        nbformat.validate(spoilt)


# ---- asking for one ----


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["softmax", "-o", "r.pdf"], "'r.pdf' names no format; a report's name ends in .html, .md, .tex or .ipynb"),
        (["softmax", "-o", "r"], "'r' names no format"),
        (["softmax"], "name the file to write: -o report.html"),
        (["softmax", "-o", "r.md", "--language", "es"], "unknown language 'es'; expected one of en, de, zh, fr"),
        (["softmax", "-o", "r.md", "--notation", "newton"], "unknown notation 'newton'"),
        (["sofmax", "-o", "r.md"], "did you mean 'softmax'?"),
        (["relu", "y[n] = ", "-o", "r.md"], "y[n] ="),
        (["softmax", "-o", "nowhere/r.md"], "cannot write nowhere/r.md: there is no folder nowhere"),
    ],
)
def test_what_is_typed_wrongly_is_told_and_nothing_is_written(
    arguments: list[str], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["report", *arguments]) == 2
    out, err = capsys.readouterr()
    assert told in err and "Traceback" not in err and out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_report_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.HTML"
    assert main(["report", "relu", "-o", str(path), "--language", "de"]) == 0
    assert capsys.readouterr().out == f"wrote {path}\n"
    assert path.read_text("utf-8").startswith('<!DOCTYPE html>\n<html lang="de">')


def test_progress_is_told_to_a_terminal_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ["report", "relu", "-o", str(tmp_path / "r.md"), "--language", "de"]
    assert main(asked) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    assert main(asked) == 0
    told = capsys.readouterr().err
    assert "relu: Beweis …" in told
    assert told.endswith("\r\033[K")


def test_in_python() -> None:
    made_here = codegen.report("relu", language="de")
    assert '<div class="report" lang="de">' in made_here._repr_html_()
    Page(made_here._repr_html_())
    with pytest.raises(InputError, match="one operation at least"):
        codegen.report()


def test_a_formula_counts_from_where_it_is_told() -> None:
    n = derive.Index("n", derive.size("N"))
    total = derive.IndexSum(Tensor("x", (n.size,))[n], n)
    assert Formula((total,)).latex == r"\sum_{n=1}^{N} x_{n}"
    assert Formula((total,), first=0).latex == r"\sum_{n=0}^{N - 1} x_{n}"


@pytest.mark.parametrize(
    ("names", "start"), [(("a[k] = x[k]/sum(x[j], j)", "y[i] = x[i + 1] - x[i]"), 0), (("dense",), 1)]
)
def test_a_document_counts_positions_from_one_number(names: tuple[str, ...], start: int) -> None:
    blocks = list(walk(report(*names).document.blocks))
    starts = {block.formula.start for block in blocks if isinstance(block, Display)}
    starts |= {block.start for block in blocks if isinstance(block, Steps)}
    assert starts == {start}


def test_a_listing_is_not_changed() -> None:
    listing = Listing("a = '<b>' & c")
    assert "a = &#x27;&lt;b&gt;&#x27; &amp; c" in Report(Document("t", "en", (listing,))).html()


@pytest.mark.parametrize("name", ["elu", "gelu", "select"])
def test_choices_and_roots_are_drawn(name: str) -> None:
    graph, *others = [block for block in walk(made(name).document.blocks) if isinstance(block, Picture)]
    assert graph.alt.startswith(f"Computation graph of {name}") and graph.draw("svg").startswith(b"<?xml")
    assert [each.name for each in others] == ([f"{name}-curve"] if name != "select" else [])


@pytest.mark.parametrize(
    ("language", "scope"), [("en", "every value where `x != 0`"), ("fr", "toute valeur où `x != 0`")]
)
def test_the_table_of_proofs_says_where_a_gradient_is_defined(language: str, scope: str) -> None:
    assert scope in made("y = sqrt(abs(x))", language).markdown()
    assert "where `" not in made("softmax-cce").markdown()


@pytest.mark.parametrize(
    ("language", "title", "backward"),
    [
        ("en", "Computation graph of relu > square", "Going backward"),
        ("de", "Berechnungsgraph von relu > square", "Rückwärts"),
        ("zh", "relu > square 的计算图", "反向"),
        ("fr", "Graphe de calcul de relu > square", "Vers l'arrière"),
    ],
)
def test_a_picture_is_described_in_the_language_by_the_layers(language: str, title: str, backward: str) -> None:
    drawn = report("relu > square", language=language).document
    alts = [block.alt for block in walk(drawn.blocks) if isinstance(block, Picture)]
    assert alts[0].startswith(title) and backward in alts[0]
    assert "network" not in " ".join(alts)
    assert language == "en" or not re.search(r"derivative|from|Going|inputs", " ".join(alts))


def test_files_of_pictures_are_called_after_the_layers(tmp_path: Path) -> None:
    files = report("relu > square", "relu > square > neg").save(tmp_path / "r.tex")
    assert {"r-relu-square-graph.png", "r-relu-square-neg-graph.png"} <= {path.name for path in files}


def test_a_curve_is_described_in_the_language() -> None:
    texts = {language: curve("log", language=language).alt for language in LANGUAGES}
    assert "goes from" in texts["en"] and len(set(texts.values())) == len(LANGUAGES)
    assert not any(re.search("derivative|defined", texts[language]) for language in FOREIGN)
