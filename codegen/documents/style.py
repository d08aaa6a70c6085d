"""The style of HTML documents: system fonts, light and dark, for a screen, a telephone and paper."""

#: Everything is scoped by what the writer of HTML makes; nothing is loaded.
STYLE = """\
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --soft: #5b6570; --rule: #d9dee4;
  --tint: #f5f7f9; --link: #0b57a4; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e4e8ec; --paper: #15181c; --soft: #9aa5b1; --rule: #343b43; --tint: #1e2328; --link: #7db7f0; }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); line-height: 1.55;
  font: 17px/1.55 "Iowan Old Style", "Palatino Linotype", Palatino, "Noto Serif", Georgia, serif; }
:lang(zh) body, body:lang(zh) { font-family: "Songti SC", "Noto Serif CJK SC", "Source Han Serif SC", SimSun, serif; }
main { max-width: 54rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1, h2, h3, h4, h5 { line-height: 1.25; margin: 2em 0 .6em; font-weight: 600; break-after: avoid; }
h1 { font-size: 1.9em; margin-top: .5em; overflow-wrap: anywhere; }
h2 { font-size: 1.4em; border-bottom: 1px solid var(--rule); padding-bottom: .2em; }
h3 { font-size: 1.15em; } h4, h5 { font-size: 1em; }
p { margin: .7em 0; overflow-wrap: break-word; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "TeX Gyre Termes Math", "Libertinus Math",
  "DejaVu Math TeX Gyre", "Noto Sans Math", math; }
mtd { padding: .15em 0; }
.formula { overflow-x: auto; overflow-y: hidden; max-width: 100%; padding: .35em 0; font-size: 1.06em; }
.formula mtable mtable mtd, .formula mrow > mtable mtd { padding-right: 1em; }
section > .formula { margin: .6em 0; padding-left: 1.5rem; }
.chain { margin: .9em 0; padding-left: .25rem; }
.step { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; column-gap: 1.5em;
  break-inside: avoid; }
.step + .step .formula { padding-left: 1.5rem; }
.reason { margin-left: auto; color: var(--soft); font-size: .88em; text-align: right; padding: .2em 0; }
details { margin: .8em 0; border: 1px solid var(--rule); border-radius: 6px; padding: 0 .9rem; }
details[open] { padding-bottom: .4rem; }
summary { cursor: pointer; padding: .5em 0; color: var(--link); }
.table { overflow-x: auto; margin: 1em 0; }
table { border-collapse: collapse; font-size: .95em; }
th, td { text-align: left; padding: .35em 1.2em .35em 0; border-bottom: 1px solid var(--rule); }
th, td { vertical-align: baseline; }
th { color: var(--soft); font-weight: 600; }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", monospace; }
code { font-size: .88em; }
pre { overflow-x: auto; background: var(--tint); border: 1px solid var(--rule); border-radius: 6px; padding: .8rem 1rem;
  line-height: 1.45; font-size: .82rem; } pre code { font-size: inherit; }
figure { margin: 1.2em 0; overflow-x: auto; } figure svg { max-width: 100%; height: auto; background: #ffffff; }
nav { margin: 1.2em 0 2em; padding: .6rem 1rem; background: var(--tint); border-radius: 6px; font-size: .95em; }
nav ul { list-style: none; margin: 0; padding: 0; columns: 18rem 2; } nav li { margin: .15em 0; break-inside: avoid; }
nav .depth1 { padding-left: 1.2em; }
@media (max-width: 600px) {
  body { font-size: 16px; } main { padding: 1rem .9rem 3rem; } h1 { font-size: 1.6em; }
  section > .formula { padding-left: 0; } .step + .step .formula { padding-left: .8rem; } details { padding: 0 .6rem; }
}
@media print {
  @page { margin: 18mm 16mm; }
  :root { --ink: #000; --paper: #fff; --soft: #444; --rule: #bbb; --tint: #fff; --link: #000; }
  body { font-size: 9.5pt; } main { max-width: none; padding: 0; } nav { display: none; }
  details { border: 0; padding: 0; } details::details-content { content-visibility: visible; block-size: auto; }
  details > * { display: block; } summary { color: var(--ink); font-style: italic; list-style: none; }
  .formula, .table, pre, figure { overflow: visible; }
  p:has(+ pre) { break-after: avoid; } pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 7.5pt; break-inside: auto; }
  .step, tr, figure { break-inside: avoid; }
}
"""
