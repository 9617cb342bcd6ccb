import type { MeasureResults, Results, RowResults } from "../run-measures.ts";
import { barsOf, curveOf, escaped } from "./plots.ts";
import { describeSpread, verdictOn } from "./verdict.ts";

const style = `
:root { color-scheme: light dark; --line: #8884; --first: #2563eb; --second: #d97706; --third: #059669; --fourth: #9333ea; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 76rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .6rem; border-bottom: 1px solid var(--line); vertical-align: top; }
td.figure { white-space: nowrap; }
svg { max-width: 100%; height: auto; }
svg text { fill: currentColor; font: 12px system-ui, sans-serif; }
.side-0 { fill: var(--first); stroke: var(--first); } .side-1 { fill: var(--second); stroke: var(--second); }
.side-2 { fill: var(--third); stroke: var(--third); } .side-3 { fill: var(--fourth); stroke: var(--fourth); }
.yes { color: #059669; } .no { color: #dc2626; }
pre { overflow-x: auto; background: #8881; padding: .6rem; }
.plots { display: grid; grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-weight: 600; }`;

/** The report as one page that needs nothing else: no script, no file, no network. */
export function pageOf(results: Results): string {
  const { sides, measures, machine, failures } = results;
  const tables = measures.filter(({ along }) => along === undefined);
  const curves = measures.filter(({ along }) => along !== undefined);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Benchmark ${escaped(results.began)}</title>
<style>${style}</style>
</head>
<body>
<h1>${sides.map(escaped).join(" beside ")}</h1>
<p>${describeRun(results)}</p>
<table><tbody>${Object.entries(machine)
    .map(([word, value]) => `<tr><th>${escaped(word)}</th><td>${escaped(value)}</td></tr>`)
    .join("")}</tbody></table>
<h2>Table</h2>
${tableOf(results, tables)}
<h2>Raw limits</h2>
<p>What this machine and its PostgreSQL do at most without any CI master.</p>
<table><tbody>${results.limits
    .map(
      ({ title, unit, spread }) =>
        `<tr><th>${escaped(title)}</th><td class="figure">${describeSpread(spread)} ${unit}</td></tr>`,
    )
    .join("")}</tbody></table>
${tables.map((measure) => sectionOf(measure, results)).join("\n")}
${curves.map((measure) => curveSection(measure, sides)).join("\n")}
${failures.length > 0 ? `<h2>Failures</h2><ul>${failures.map((failure) => `<li>${escaped(failure)}</li>`).join("")}</ul>` : ""}
</body>
</html>
`;
}

function describeRun({ began, quick, rounds, seconds }: Results): string {
  const form = quick ? "the quick form, with small amounts" : "the long form";
  return `Began ${escaped(began)}, took ${seconds} s: ${form}, ${rounds === 1 ? "one round" : `${rounds} rounds`}. The sides took
turns on the same PostgreSQL. The same simulated workers served both, over the MessagePack protocol that Buildbot's workers
speak: they pretend to run commands, so only the masters are measured. Machines are noisy: only ratios mean anything.`;
}

function tableOf(results: Results, measures: readonly MeasureResults[]): string {
  const { sides } = results;
  const head = [
    "what",
    ...sides,
    ...sides.slice(1).map((side) => `times better than ${side}`),
    "goal",
    "of the raw limit",
  ];
  const rows = measures
    .flatMap(({ rows }) => rows.filter(isMeasured))
    .map((row) => {
      const { figures, ratios, goal, met, ofLimit } = verdictOn(row, results);
      const mark = met === undefined ? "" : met ? ' <span class="yes">met</span>' : ' <span class="no">not met</span>';
      return `<tr><th>${escaped(row.title)}${row.alone === undefined ? "" : `<br><small>${escaped(row.alone)}</small>`}</th>${figures
        .map((figure) => `<td class="figure">${figure}${figure === "–" ? "" : ` ${row.unit}`}</td>`)
        .join(
          "",
        )}${ratios.map((ratio) => `<td class="figure">${ratio}</td>`).join("")}<td>${escaped(goal)}${mark}</td><td>${ofLimit}</td></tr>`;
    });
  return `<table><thead><tr>${head.map((title) => `<th>${escaped(title)}</th>`).join("")}</tr></thead><tbody>${rows.join("\n")}</tbody></table>`;
}

function isMeasured({ spreads }: RowResults): boolean {
  return spreads.some(Boolean);
}

function sectionOf({ title, about, rows, notes }: MeasureResults, { sides, limits }: Results): string {
  const plots = rows.filter(isMeasured).map((row) => {
    const limit = limits.find(({ name }) => name === row.limit);
    return `<figure><figcaption>${escaped(row.title)}, ${row.unit} (${row.better} is better)</figcaption>${barsOf(row, sides, limit?.spread.median)}</figure>`;
  });
  return `<h2>${escaped(title)}</h2><p>${escaped(about)}</p><div class="plots">${plots.join("")}</div>${notes.map((note) => `<pre>${escaped(note)}</pre>`).join("")}`;
}

function curveSection({ title, about, rows, along = "" }: MeasureResults, sides: readonly string[]): string {
  const plots = rows
    .filter(isMeasured)
    .map(
      (row) =>
        `<figure><figcaption>${escaped(row.title)}, ${row.unit} (${row.better} is better)</figcaption>${curveOf(row, along, sides)}</figure>`,
    );
  return `<h2>${escaped(title)}</h2><p>${escaped(about)}</p><div class="plots">${plots.join("")}</div>`;
}
