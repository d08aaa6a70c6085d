"""The style of HTML documents: system fonts, light and dark, for a screen, a telephone and paper; nothing is loaded."""

#: The style of a document's parts, wherever it stands: on a page of its own, or in a notebook, whose colours it takes.
PARTS_STYLE = """\
.report { --soft: color-mix(in srgb, currentColor 68%, transparent);
  --rule: color-mix(in srgb, currentColor 18%, transparent); --tint: color-mix(in srgb, currentColor 4%, transparent); }
.report h2, .report h3, .report h4, .report h5 { line-height: 1.25; margin: 2em 0 .6em; font-weight: 600;
  break-after: avoid; }
.report h2 { font-size: 1.4em; border-bottom: 1px solid var(--rule); padding-bottom: .2em; }
.report h3 { font-size: 1.15em; }
.report h4, .report h5 { font-size: 1em; }
.report p { margin: .7em 0; overflow-wrap: break-word; }
.report math { font-family: "STIX Two Math", "Cambria Math", "Latin Modern Math", "TeX Gyre Termes Math",
  "Libertinus Math", "DejaVu Math TeX Gyre", "Noto Sans Math", math; }
.report mtd { padding: .15em 0; }
.report .formula { overflow-x: auto; overflow-y: hidden; max-width: 100%; padding: .35em 0; font-size: 1.06em; }
.report .formula mrow > mtable mtd { padding-right: 1em; }
.report section > .formula { margin: .6em 0; padding-left: 1.5rem; }
.report .chain { margin: .9em 0; padding-left: .25rem; }
.report .step { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between;
  column-gap: 1.5em; break-inside: avoid; }
.report .step + .step .formula { padding-left: 1.5rem; }
.report .reason { margin-left: auto; color: var(--soft); font-size: .88em; text-align: right; padding: .2em 0; }
.report details { margin: .8em 0; border: 1px solid var(--rule); border-radius: 6px; padding: 0 .9rem; }
.report details[open] { padding-bottom: .4rem; }
.report summary { cursor: pointer; padding: .5em 0; }
.report .table { overflow-x: auto; margin: 1em 0; }
.report table { border-collapse: collapse; font-size: .95em; margin: 0; }
.report th, .report td { text-align: left; padding: .35em 1.2em .35em 0; border-bottom: 1px solid var(--rule);
  vertical-align: baseline; }
.report th { color: var(--soft); font-weight: 600; }
.report code, .report pre { font-family: ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas,
  "DejaVu Sans Mono", monospace; }
.report code { font-size: .88em; }
.report pre { overflow-x: auto; background: var(--tint); border: 1px solid var(--rule); border-radius: 6px;
  padding: .8rem 1rem; line-height: 1.45; font-size: .82rem; }
.report pre code { font-size: inherit; }
.report figure { margin: 1.2em 0; overflow-x: auto; }
.report figure svg { max-width: 100%; height: auto; background: #ffffff; border-radius: 4px; }
@media (max-width: 600px) {
  .report section > .formula { padding-left: 0; }
  .report .step + .step .formula { padding-left: .8rem; }
  .report details { padding: 0 .6rem; }
  .report figure svg { max-width: max(100%, 34rem); }
}
@media print {
  .report details { border: 0; padding: 0; }
  .report details::details-content { content-visibility: visible; block-size: auto; }
  .report details > * { display: block; }
  .report summary { color: inherit; font-style: italic; list-style: none; }
  .report .formula, .report .table, .report pre, .report figure { overflow: visible; }
  .report p:has(+ pre, + figure, + .table, + .formula) { break-after: avoid; }
  .report pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: 7.5pt; break-inside: auto; }
  .report .step, .report tr, .report figure { break-inside: avoid; }
}
"""

#: The style of a page around the parts.
PAGE_STYLE = """\
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #ffffff; --link: #0b57a4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #15181c; --link: #7db7f0; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 17px/1.55 "Iowan Old Style", "Palatino Linotype", Palatino, "Noto Serif", Georgia, serif; }
:lang(zh) body { font-family: "Songti SC", "Noto Serif CJK SC", "Source Han Serif SC", SimSun, serif; }
main { max-width: 54rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.9em; line-height: 1.25; margin: .5em 0 .6em; font-weight: 600; overflow-wrap: anywhere; }
a, .report summary { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
nav { margin: 1.2em 0 2em; padding: .6rem 1rem; background: var(--tint); border-radius: 6px; font-size: .95em; }
nav ul { list-style: none; margin: 0; padding: 0; columns: 18rem 2; }
nav li { margin: .15em 0; break-inside: avoid; }
nav .depth1 { padding-left: 1.2em; }
@media (max-width: 600px) {
  body { font-size: 16px; }
  main { padding: 1rem .9rem 3rem; }
  h1 { font-size: 1.6em; }
}
@media print {
  @page { margin: 18mm 16mm; }
  :root { --ink: #000; --paper: #fff; --link: #000; }
  body { font-size: 9.5pt; }
  main { max-width: none; padding: 0; }
  nav { display: none; }
}
"""
