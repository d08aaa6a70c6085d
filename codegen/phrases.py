"""The words between formulas and beside pictures, in four languages: one table.

A phrase is known by its English text. Names in braces stand for what is put in: words, a formula, a number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from derive.errors import InputError

#: The languages, by what follows ``--language``; what each calls itself.
LANGUAGES: Mapping[str, str] = {"en": "English", "de": "Deutsch", "zh": "中文", "fr": "français"}
#: What stands between the parts of a list, before its last one, and between a rule and what it used.
SEPARATORS: Mapping[str, tuple[str, str, str]] = {
    "en": (", ", " and ", ": "), "de": (", ", " und ", ": "), "zh": ("、", "和", "："), "fr": (", ", " et ", " : "),
}  # fmt: skip
_FOREIGN = ("de", "zh", "fr")

#: German, Chinese and French for each English phrase.
PHRASES: Mapping[str, tuple[str, str, str]] = {
    # -- headings and the contents of a section --
    "Contents": ("Inhalt", "目录", "Table des matières"),
    "Definition": ("Definition", "定义", "Définition"),
    "Gradients": ("Gradienten", "梯度", "Gradients"),
    "Gradient with respect to {name}": ("Gradient nach {name}", "关于 {name} 的梯度", "Gradient par rapport à {name}"),
    "Derivation": ("Herleitung", "推导", "Dérivation"),
    "Derivation in {count} steps": (
        "Herleitung in {count} Schritten", "推导（共 {count} 步）", "Dérivation en {count} étapes"),
    "Derivation in one step": ("Herleitung in einem Schritt", "推导（共一步）", "Dérivation en une étape"),
    "Proof": ("Beweis", "证明", "Démonstration"),
    "Pictures": ("Abbildungen", "图", "Figures"),
    "Code": ("Code", "代码", "Code"),
    "Source": ("Quelle", "来源", "Source"),
    "Report: {names}": ("Bericht: {names}", "报告：{names}", "Rapport : {names}"),
    "input": ("Eingabe", "输入", "entrée"),
    "output": ("Ausgabe", "输出", "sortie"),
    "shape": ("Form", "形状", "forme"),
    "note": ("Anmerkung", "说明", "remarque"),
    "any": ("beliebig", "任意", "quelconque"),
    "a number": ("eine Zahl", "一个数", "un nombre"),
    "a whole number": ("eine ganze Zahl", "一个整数", "un nombre entier"),
    "{default} where it is left out": (
        "{default}, wenn nichts angegeben ist", "省略时为 {default}", "{default} par défaut"),
    "whole numbers from 0 to {last}": (
        "ganze Zahlen von 0 bis {last}", "从 0 到 {last} 的整数", "nombres entiers de 0 à {last}"),
    "data: no gradient is derived": (
        "Daten: kein Gradient wird hergeleitet", "数据：不推导其梯度", "données : aucun gradient n'est calculé"),
    "{letter} runs over all leading axes, {size} positions together.": (
        "{letter} läuft über alle vorderen Achsen, zusammen {size} Positionen.",
        "{letter} 遍历所有前置轴，共 {size} 个位置。",
        "{letter} parcourt tous les premiers axes, {size} positions en tout."),
    "Usually {fact}.": ("Üblicherweise gilt {fact}.", "通常 {fact}。", "D'ordinaire, {fact}."),
    "Outputs: {names}.": ("Ausgaben: {names}.", "输出：{names}。", "Sorties : {names}."),
    "{part} is what comes in through {name} alone, {whole} its whole gradient.": (
        "{part} ist der Anteil, der über {name} allein eingeht, {whole} der gesamte Gradient davon.",
        "{part} 只是经由 {name} 传入的部分，{whole} 是它的全部梯度。",
        "{part} est la part qui arrive par {name} seul, {whole} son gradient complet."),
    "{gradient} is the upstream gradient: that of the loss with respect to the output {name}.": (
        "{gradient} ist der vorgegebene Gradient: der Gradient der Verlustfunktion nach der Ausgabe {name}.",
        "{gradient} 是上游梯度，即损失函数关于输出 {name} 的梯度。",
        "{gradient} est le gradient amont : celui de la fonction de perte par rapport à la sortie {name}."),
    "A loss is differentiated by itself: there is no upstream gradient.": (
        "Eine Verlustfunktion wird selbst abgeleitet: Es gibt keinen vorgegebenen Gradienten.",
        "对损失函数直接求导，没有上游梯度。",
        "Une fonction de perte est dérivée elle-même : il n'y a pas de gradient amont."),
    "The backward pass by its parts: gradients of intermediates keep their names.": (
        "Der Rückwärtsdurchlauf in Teilen: Gradienten von Zwischenergebnissen behalten ihren Namen.",
        "反向传播分步进行：中间量的梯度保留各自的名称。",
        "La rétropropagation par étapes : les gradients des grandeurs intermédiaires gardent leur nom."),
    "Given {fact}:": ("Unter der Voraussetzung {fact}:", "若 {fact}，则", "Sous l'hypothèse {fact} :"),
    "There is no input to differentiate by.": (
        "Es gibt keine Eingabe, nach der abgeleitet werden kann.", "没有可以求导的输入。",
        "Il n'y a pas d'entrée par rapport à laquelle dériver."),
    "Source of the definition: {source}.": (
        "Quelle der Definition: {source}.", "定义的来源：{source}。", "Source de la définition : {source}."),
    "The graph of the computation: values go forward, gradients come back.": (
        "Der Berechnungsgraph: Werte gehen vorwärts, Gradienten kommen zurück.",
        "计算图：数值向前传播，梯度反向传回。",
        "Le graphe de calcul : les valeurs avancent, les gradients reviennent."),
    "The function and its derivative.": (
        "Die Funktion und ihre Ableitung.", "函数及其导数。", "La fonction et sa dérivée."),
    "Forward and backward pass in NumPy, as one module that stands alone.": (
        "Vorwärts- und Rückwärtsdurchlauf in NumPy, als eigenständiges Modul.",
        "用 NumPy 写的前向传播与反向传播，是一个独立的模块。",
        "Propagation avant et rétropropagation en NumPy, en un module autonome."),
    # -- what a picture shows, for those who do not see it --
    "Computation graph of {name}": ("Berechnungsgraph von {name}", "{name} 的计算图", "Graphe de calcul de {name}"),
    "{title}: from the inputs {inputs} to the output {outputs}. Going forward: {values}.": (
        "{title}: von den Eingaben {inputs} zur Ausgabe {outputs}. Vorwärts: {values}.",
        "{title}：从输入 {inputs} 到输出 {outputs}。前向：{values}。",
        "{title} : des entrées {inputs} à la sortie {outputs}. Vers l'avant : {values}."),
    "Going backward, gradients: {gradients}.": (
        "Rückwärts, Gradienten: {gradients}.", "反向，梯度：{gradients}。", "Vers l'arrière, gradients : {gradients}."),
    "{name} and its derivative": ("{name} und die Ableitung davon", "{name} 及其导数", "{name} et sa dérivée"),
    "{name}, {value}, and its derivative {quotient} for {variable} from {low} to {high}.": (
        "{name}, {value}, und die Ableitung {quotient} für {variable} von {low} bis {high}.",
        "{name}，{value}，及其导数 {quotient}，{variable} 从 {low} 到 {high}。",
        "{name}, {value}, et sa dérivée {quotient} pour {variable} de {low} à {high}."),
    "{output} goes from {low} to {high}, the derivative from {least} to {most}.": (
        "{output} reicht von {low} bis {high}, die Ableitung von {least} bis {most}.",
        "{output} 的取值从 {low} 到 {high}，导数从 {least} 到 {most}。",
        "{output} va de {low} à {high}, la dérivée de {least} à {most}."),
    "There is a kink at {place}, where the derivative goes from {before} to {after} and is taken as {taken}.": (
        "Bei {place} ist ein Knick: Die Ableitung geht dort von {before} zu {after} und wird als {taken} genommen.",
        "{place} 处有折点，导数在那里由 {before} 变为 {after}，取为 {taken}。",
        "Il y a un point anguleux en {place} : la dérivée y passe de {before} à {after} et est prise égale à {taken}."),
    "There is a jump at {place}, where the derivative goes from {before} to {after} and is taken as {taken}.": (
        "Bei {place} ist ein Sprung: Die Ableitung geht dort von {before} zu {after} und wird als {taken} genommen.",
        "{place} 处有跳跃，导数在那里由 {before} 变为 {after}，取为 {taken}。",
        "Il y a un saut en {place} : la dérivée y passe de {before} à {after} et est prise égale à {taken}."),
    "It or its derivative is not defined for {variable} {places}.": (
        "Dort ist sie oder ihre Ableitung nicht definiert: {variable} {places}.",
        "函数或其导数在 {variable} {places} 处没有定义。",
        "Elle ou sa dérivée n'est pas définie pour {variable} {places}."),
    "at {place}": ("bei {place}", "等于 {place}", "égal à {place}"),
    "from {low} to {high}": ("von {low} bis {high}", "从 {low} 到 {high}", "de {low} à {high}"),
    "It is the loss of one prediction, with {target}.": (
        "Es ist der Verlust einer einzigen Vorhersage mit {target}.", "这是单个预测的损失，其中 {target}。",
        "C'est la perte d'une seule prédiction, avec {target}."),
    "Drawn with {settings}.": ("Gezeichnet mit {settings}.", "绘图时取 {settings}。", "Tracée avec {settings}."),
    # -- proofs --
    "gradient": ("Gradient", "梯度", "gradient"),
    "steps": ("Schritte", "步骤", "étapes"),
    "verdict": ("Ergebnis", "结论", "verdict"),
    "holds for": ("gilt für", "适用范围", "valable pour"),
    "proved": ("bewiesen", "已证明", "démontré"),
    "refuted": ("widerlegt", "已否证", "réfuté"),
    "undecided": ("unentschieden", "未定", "indécidé"),
    "every {sizes}": ("alle {sizes}", "任意 {sizes}", "tous {sizes}"),
    "every value": ("alle Werte", "任意取值", "toute valeur"),
    "{scope} where {conditions}": (
        "{scope} mit {conditions}", "{scope}，且 {conditions}", "{scope} où {conditions}"),
    "{count} in one derivation, each equal at random values": (
        "{count} in einer einzigen Herleitung, jeder an zufälligen Werten geprüft",
        "一次推导共 {count} 步，每步均以随机数值验证",
        "{count} en une seule dérivation, chacune vérifiée en des valeurs aléatoires"),
    "{count}, each equal at random values": (
        "{count}, jeder an zufälligen Werten geprüft", "{count} 步，每步均以随机数值验证",
        "{count}, chacune vérifiée en des valeurs aléatoires"),
    "Each result is proved to be the derivative of the whole expression, not of examples.": (
        "Jedes Ergebnis ist als Ableitung des ganzen Ausdrucks bewiesen, nicht nur an Beispielen.",
        "每个结果都被证明是整个表达式的导数，而不只是在例子上成立。",
        "Chaque résultat est démontré comme dérivée de l'expression entière, et non sur des exemples."),
    "At a kink or a tie, where there may be no derivative, the value of the result is a convention.": (
        "An einem Knick oder bei Gleichstand, wo es vielleicht keine Ableitung gibt, ist der Wert des Ergebnisses "
        "Konvention.",
        "在折点或并列处，导数可能不存在，结果在那里的取值是约定。",
        "En un point anguleux ou en cas d'égalité, où la dérivée peut ne pas exister, la valeur du résultat est une "
        "convention."),
    "Given {fact} this is {verdict}:": (
        "Unter der Voraussetzung {fact} ist dies {verdict}:", "在 {fact} 的条件下，下式{verdict}：",
        "Sous l'hypothèse {fact}, ceci est {verdict} :"),
    "Without this assumption it is refuted: the two forms differ at these numbers.": (
        "Ohne diese Voraussetzung ist es widerlegt: Die beiden Formen unterscheiden sich bei diesen Zahlen.",
        "没有这个条件时它被否证：在下列数值处，两种形式不相等。",
        "Sans cette hypothèse, c'est réfuté : les deux formes diffèrent pour ces nombres."),
    "shorter form": ("kürzere Form", "较短的形式", "forme courte"),
    "derived form": ("hergeleitete Form", "推导出的形式", "forme dérivée"),
    "at": ("bei", "取", "pour"),
    "The generated code, in double precision, against numbers:": (
        "Der erzeugte Code, in doppelter Genauigkeit, gegen Zahlen geprüft:",
        "以双精度数值检验生成的代码：",
        "Le code engendré, en double précision, confronté aux nombres :"),
    "compared with": ("verglichen mit", "比较对象", "comparé à"),
    "sizes": ("Größen", "大小", "tailles"),
    "largest error": ("größte Abweichung", "最大误差", "plus grand écart"),
    "allowed": ("erlaubt", "允许误差", "admis"),
    "central differences": ("zentralen Differenzen", "中心差分", "différences centrées"),
    "the definitions' own backward passes in turn": (
        "den Rückwärtsdurchläufen der einzelnen Definitionen", "逐个定义的反向传播",
        "rétropropagations successives des définitions"),
    "a single number": ("eine einzelne Zahl", "单个数", "un seul nombre"),
    "the layer written by hand": ("der von Hand geschriebenen Schicht", "手写的层", "la couche écrite à la main"),
    # -- reasons: the rules of a derivation --
    "that is": ("das heißt", "即", "c'est-à-dire"),
    "result": ("Ergebnis", "结果", "résultat"),
    "definition": ("Definition", "定义", "définition"),
    "sum rule": ("Summenregel", "求和法则", "règle de la somme"),
    "product rule": ("Produktregel", "乘积法则", "règle du produit"),
    "quotient rule": ("Quotientenregel", "商法则", "règle du quotient"),
    "power rule": ("Potenzregel", "幂法则", "règle de la puissance"),
    "chain rule": ("Kettenregel", "链式法则", "règle de la chaîne"),
    "vector-Jacobian product": ("Vektor-Jacobi-Produkt", "向量-雅可比积", "produit vecteur-jacobienne"),
    "derivative of an element": ("Ableitung eines Elements", "元素的导数", "dérivée d'un élément"),
    "derivative of a maximum": ("Ableitung eines Maximums", "最大值的导数", "dérivée d'un maximum"),
    "derivative of a maximum over an index": (
        "Ableitung eines Maximums über einen Index", "对指标取最大值的导数", "dérivée d'un maximum sur un indice"),
    "derivative of a minimum": ("Ableitung eines Minimums", "最小值的导数", "dérivée d'un minimum"),
    "derivative of a choice": (
        "Ableitung einer Fallunterscheidung", "分段函数的导数", "dérivée d'une fonction par morceaux"),
    "derivative of the absolute value": ("Ableitung des Betrags", "绝对值的导数", "dérivée de la valeur absolue"),
    "derivative of an inverse": ("Ableitung einer Inversen", "逆矩阵的导数", "dérivée d'un inverse"),
    "derivative of a determinant": ("Ableitung einer Determinante", "行列式的导数", "dérivée d'un déterminant"),
    "derivative of a log-determinant": (
        "Ableitung einer Log-Determinante", "对数行列式的导数", "dérivée du logarithme d'un déterminant"),
    "derivative of {function}": ("Ableitung von {function}", "{function} 的导数", "dérivée de {function}"),
    "constants drop out": ("Konstanten fallen weg", "常数项消失", "les constantes disparaissent"),
    "insert the derivatives": ("Ableitungen einsetzen", "代入导数", "on insère les dérivées"),
    "insert": ("einsetzen", "代入", "on insère"),
    "the gradient of {name}": ("der Gradient von {name}", "{name} 的梯度", "le gradient de {name}"),
    "the derivative by {name}": ("die Ableitung nach {name}", "关于 {name} 的导数", "la dérivée par rapport à {name}"),
    "the delta collapses the sum": (
        "das Delta reduziert die Summe auf einen Summanden", "δ 使求和只剩一项", "le delta réduit la somme à un terme"),
    "collect": ("zusammenfassen", "合并同类项", "on regroupe"),
    "fold back": ("Rücksubstitution", "代回", "on reconnaît"),
    "{element} as defined": ("{element} nach Definition", "{element} 的定义", "{element} par définition"),
    "given": ("gegeben", "已知", "par hypothèse"),
    "put the definitions in": ("Definitionen einsetzen", "代入定义", "on insère les définitions"),
    "multiply out": ("ausmultiplizieren", "展开", "on développe"),
    "written out": ("ausgeschrieben", "写开", "en développant"),
    "over one denominator": ("auf einen Nenner gebracht", "通分", "au même dénominateur"),
    "case by case, where both are defined": (
        "Fall für Fall, wo beide definiert sind", "在两边都有定义处逐一讨论",
        "cas par cas, là où les deux sont définis"),
    "so that it is seen to be symmetric": (
        "so dass die Symmetrie zu sehen ist", "使其对称性显明", "de sorte que la symétrie se voie"),
    "the derivative of the gradient": ("die Ableitung des Gradienten", "梯度的导数", "la dérivée du gradient"),
    # -- in formulas --
    "if": ("falls", "若", "si"),
    "otherwise": ("sonst", "否则", "sinon"),
}  # fmt: skip

#: Where something is put in.
PLACE = re.compile(r"\{(\w+)\}")


def check_language(language: str) -> str:
    """Return a language's code.

    Raises:
        InputError: it is none of those that there are phrases in.

    Example:
        >>> check_language("de")
        'de'
    """
    if language not in LANGUAGES:
        raise InputError(f"unknown language {language!r}; expected one of {', '.join(LANGUAGES)}")
    return language


def phrase(text: str, language: str) -> str:
    """Return a phrase of the table in a language, its places not filled.

    Example:
        >>> phrase("chain rule", "fr"), phrase("Given {fact}:", "de")
        ('règle de la chaîne', 'Unter der Voraussetzung {fact}:')
    """
    return text if language == "en" else PHRASES[text][_FOREIGN.index(language)]


def text_of(text: str, language: str, **places: str) -> str:
    """Return a phrase in a language as a text, its places filled.

    Example:
        >>> text_of("Computation graph of {name}", "de", name="relu")
        'Berechnungsgraph von relu'
    """
    return PLACE.sub(lambda match: places[match[1]], phrase(text, language))
