"""The style sheet and the script of the page. Without the script the page works too: lines unfold by <details>; the script adds the selector
of signatures, the buttons and `#L8` in the address, which unfolds line 8."""

STYLE = """
:root { color-scheme: light dark; --back: #ffffff; --text: #1c2128; --dim: #6b7480; --edge: #d6dae0; --open: #f2f5f9; --word: #0b5fad;
  --good: #15803d; --warn: #b45309; --bad: #b42318; --api: 43 95% 55%; --code: #f7f8fa; }
@media (prefers-color-scheme: dark) { :root { --back: #15181d; --text: #d9dee5; --dim: #8a94a2; --edge: #343a44; --open: #1d222a;
  --word: #7cb7f5; --good: #5fd08a; --warn: #f0a94b; --bad: #ff8a7a; --api: 43 90% 38%; --code: #1a1e24; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); font: 14px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
header { padding: 14px 20px 10px; border-bottom: 1px solid var(--edge); position: sticky; top: 0; background: var(--back); z-index: 2; }
h1 { font-size: 16px; margin: 0 0 6px; font-weight: 600; }
.bar { display: flex; flex-wrap: wrap; gap: 8px 14px; align-items: center; }
select, button { font: inherit; color: inherit; background: var(--open); border: 1px solid var(--edge); border-radius: 5px; padding: 3px 8px;
  max-width: 100%; }
.legend { color: var(--dim); font-size: 12.5px; display: flex; flex-wrap: wrap; gap: 4px 16px; margin-top: 8px; }
.legend b { font-weight: 600; }
.swatch { display: inline-block; width: 3.2em; height: 0.8em; border: 1px solid var(--edge); vertical-align: -1px;
  background: linear-gradient(to right, transparent, hsl(var(--api))); }
main { padding: 8px 0 40px; }
.line, .line > summary, .row { font: 13px/1.55 "DejaVu Sans Mono", ui-monospace, Consolas, monospace; }
summary { list-style: none; cursor: pointer; }
summary::-webkit-details-marker { display: none; }
.row { display: flex; min-width: min-content; padding-right: 12px; background: hsl(var(--api) / var(--share, 0)); }
summary:hover .row { outline: 1px solid var(--edge); }
.number { flex: 0 0 4.2em; text-align: right; padding-right: 0.7em; color: var(--dim); user-select: none; }
.fold { flex: 0 0 1em; color: var(--dim); }
.fold::before { content: "+"; }
details[open] .fold::before { content: "-"; }
.plain .fold::before, .failed .fold::before { content: ""; }
.marks { flex: 0 0 5.5em; white-space: pre; user-select: none; }
.source { white-space: pre; } .plain .source { color: var(--dim); }
details.line { scroll-margin-top: 130px; }
.mark { font-weight: 700; padding: 0 1px; }
.mark.v, .said.v { color: var(--good); } .mark.n, .said.n { color: var(--warn); }
.mark.c, .mark.a, .mark.r { color: var(--word); } .mark.x, .said.x { color: var(--bad); }
.detail { margin: 2px 12px 10px 5.2em; padding: 8px 14px; border-left: 3px solid var(--edge); background: var(--open); border-radius: 0 6px 6px 0;
  font: 13px/1.5 system-ui, "DejaVu Sans", sans-serif; overflow-x: auto; }
.spec + .spec { border-top: 1px solid var(--edge); margin-top: 8px; padding-top: 8px; }
.signature { font: 600 12.5px "DejaVu Sans Mono", ui-monospace, monospace; color: var(--dim); }
.types { border-collapse: collapse; margin: 4px 0; font: 12.5px/1.5 "DejaVu Sans Mono", ui-monospace, monospace; }
.types td { padding: 0 1.6em 0 0; vertical-align: top; white-space: pre; }
.types td + td { color: var(--word); }
.said { margin: 2px 0; } .note { color: var(--dim); margin: 0 0 2px 1.2em; }
.code { margin: 4px 0; } .code > summary { color: var(--dim); }
.code > summary::before { content: "+ "; } .code[open] > summary::before { content: "- "; }
pre { margin: 2px 0 4px; padding: 6px 10px; background: var(--code); border: 1px solid var(--edge); border-radius: 5px; overflow-x: auto; tab-size: 12;
  font: 12px/1.45 "DejaVu Sans Mono", ui-monospace, monospace; }
.hidden { display: none; }
@media print { header { position: static; } select, button { display: none; } }
"""

SCRIPT = """
const lines = [...document.querySelectorAll("details.line")];
const select = document.getElementById("signature");
function show() {
  const chosen = select ? select.value : "all";
  for (const e of document.querySelectorAll("[data-spec]")) e.classList.toggle("hidden", chosen !== "all" && e.dataset.spec !== chosen);
  for (const row of document.querySelectorAll("[data-shares]")) {
    const shares = JSON.parse(row.dataset.shares), mine = chosen === "all" ? Object.values(shares) : [shares[chosen] || 0];
    row.style.setProperty("--share", Math.max(0, ...mine));
  }
}
function unfold() {
  const line = document.getElementById(location.hash.slice(1));
  if (line && line.tagName === "DETAILS") { line.open = true; line.scrollIntoView(); }
}
if (select) select.addEventListener("change", show);
document.getElementById("open").addEventListener("click", () => lines.forEach(e => { e.open = true; }));
document.getElementById("close").addEventListener("click", () => lines.forEach(e => { e.open = false; }));
addEventListener("hashchange", unfold);
show();
unfold();
"""
