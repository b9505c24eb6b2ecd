"""What every page looks like, and what a browser may load for it: nothing."""

# plotly's WebGL code is made by Function; nothing may come from a network.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:"
)

CSS = """
:root { color-scheme: light dark; --back: #fff; --text: #1d2127; --soft: #5c6470; --line: #d9dce1; }
@media (prefers-color-scheme: dark) {
  :root { --back: #16181d; --text: #e4e6ea; --soft: #9aa2ae; --line: #363b45; }
}
body { margin: 0 auto; max-width: 80rem; padding: 1rem 1.5rem 3rem; background: var(--back);
  color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
h1, dd, p { overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 0.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.1rem 1.5rem; margin: 0; }
dt, .note, .same { color: var(--soft); }
dd { margin: 0; white-space: pre-wrap; }
.notice { border-left: 4px solid #e0457b; padding-left: 0.75rem; }
.wide { overflow: auto; max-height: 34rem; }
table { border-collapse: collapse; width: max-content; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.8rem 0.2rem 0; text-align: left; white-space: nowrap; vertical-align: top;
  border-bottom: 1px solid var(--line); }
th { position: sticky; top: 0; background: var(--back); }
td > div { max-width: 24rem; white-space: pre-wrap; overflow-wrap: break-word; }
.figure { height: 26rem; }
.figure .domain, .figure .tick line { stroke: var(--text); }
"""
