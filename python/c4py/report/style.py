"""The style sheet of the page."""

from __future__ import annotations

#: Colours are dark enough on white, and light enough on dark, to be read as text (WCAG AA); what they say is always
#: said in words or by a sign as well.
STYLE = """
:root {
  color-scheme: light dark;
  --page: #fff; --text: #1b1f24; --quiet: #59636e; --line: #d1d9e0; --soft: #f6f8fa;
  --good: #1a7f37; --bad: #b3261e; --warn: #8a5300; --move: #0b5cad; --unknown: #6e7781;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #11151a; --text: #e6eaef; --quiet: #9aa6b2; --line: #343c46; --soft: #1a2027;
    --good: #4fc46b; --bad: #ff8279; --warn: #e2a336; --move: #74b4ff; --unknown: #8b96a2;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.5rem 3rem; max-width: 72rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", Arial, sans-serif;
}
h1 { margin: 0 0 .15rem; font-size: 1rem; font-weight: 600; color: var(--quiet); }
h2 { margin: 2.25rem 0 .3rem; font-size: 1.1rem; line-height: 1.3; }
h2 .number { font-weight: 400; color: var(--quiet); }
p { margin: .25rem 0 .75rem; }
.verdict { margin: 0 0 .35rem; font-size: 1.55rem; line-height: 1.3; font-weight: 650; }
.sign { display: inline-block; min-width: 1.2em; font-weight: 700; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
.move { color: var(--move); } .unknown { color: var(--unknown); }
.quiet { color: var(--quiet); }
.id, .path, .mono {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
  font-size: .86em; overflow-wrap: anywhere; white-space: pre-wrap; unicode-bidi: isolate;
}
.bar { display: block; width: 100%; height: 1.9rem; margin: 1.25rem 0 .6rem; border: 1px solid var(--line); }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.6rem; margin: 0; padding: 0; list-style: none; }
.legend svg { width: 1rem; height: 1rem; margin-right: .4rem; vertical-align: -.15em; border: 1px solid var(--line); }
.legend b { font-variant-numeric: tabular-nums; }
dl {
  display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .35rem 1.5rem; margin: 1.75rem 0 0;
  padding: 1rem 1.25rem; background: var(--soft); border: 1px solid var(--line); border-radius: 6px;
}
dt { color: var(--quiet); }
dd { margin: 0; overflow-wrap: anywhere; }
table { width: 100%; border-collapse: collapse; table-layout: fixed; }
th, td { padding: .4rem .75rem .4rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--quiet); font-size: .9em; }
td { overflow-wrap: anywhere; }
td:last-child, th:last-child { padding-right: 0; }
.narrow { width: 5rem; } .quarter { width: 25%; } .middle { width: 40%; }
@media screen {
  .plain thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .plain { border-top: 1px solid var(--line); }
}
.ids { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 0 .75rem; margin-top: .2rem; }
.ids span:nth-child(odd) { color: var(--quiet); font-size: .9em; }
.more { padding: .5rem 0; color: var(--quiet); }
footer { margin-top: 2.5rem; padding-top: .75rem; border-top: 1px solid var(--line); color: var(--quiet); }
@media screen and (max-width: 40rem) {
  body { padding: 1.25rem 1rem 2rem; }
  .verdict { font-size: 1.25rem; }
  dl { grid-template-columns: minmax(0, 1fr); gap: 0; padding: .75rem 1rem; }
  dd { margin-bottom: .6rem; }
  dd:last-child { margin-bottom: 0; }
  table, tbody, tr, td { display: block; width: auto; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { padding: .5rem 0; border-bottom: 1px solid var(--line); }
  td { padding: 0; border: 0; }
  td[data-name]::before { content: attr(data-name) ": "; color: var(--quiet); font-size: .9em; }
}
@media print {
  @page { margin: 15mm; }
  body { max-width: none; padding: 0; font-size: 9.5pt; }
  dl { background: none; }
  .id, .path, .mono { font-size: .8em; }
  h2, section > p, thead { break-after: avoid; }
  section > .more { break-after: auto; break-before: avoid; }
  tr, dl, .ids { break-inside: avoid; }
  thead { display: table-header-group; }
  tbody tr:first-child { break-before: avoid; }
}
"""
