import { Results } from "@multimaster/core";
import type { Message, MessageFacts } from "./message-facts.ts";
import { listFacts, listSections, plainMessage } from "./plain-message.ts";

const good = "#1a7f37";
const bad = "#cf222e";
const colours: Readonly<Record<number, string>> = {
  [Results.SUCCESS]: good,
  [Results.WARNINGS]: "#9a6700",
  [Results.FAILURE]: bad,
  [Results.SKIPPED]: "#57606a",
  [Results.EXCEPTION]: "#8250df",
  [Results.RETRY]: "#8250df",
  [Results.CANCELLED]: "#57606a",
};

const alarming: ReadonlySet<string> = new Set([
  "request-waiting",
  "worker-missing",
  "worker-quarantined",
  "master-evicted",
]);

/** The colour of what happened. */
export function colourOf({ build, step, buildset, event }: MessageFacts): string {
  const results = (step ?? build ?? buildset)?.results;
  if (results !== null && results !== undefined) return colours[results] ?? bad;
  return alarming.has(event) ? bad : "#0969da";
}

/** Programs that know no `style` element, or that are light, use what is in each element; others turn dark with their system. */
const styles = `
@media (prefers-color-scheme: dark) {
  .page { background: #0d1117 !important; color: #e6edf3 !important; }
  .quiet { color: #9198a1 !important; }
  .log { background: #161b22 !important; color: #e6edf3 !important; }
  a { color: #4493f8 !important; }
  a.title { color: #e6edf3 !important; }
}`;

const heading = (text: string) => `<h3 style="font-size:14px;margin:20px 0 4px">${escapeHtml(text)}</h3>`;

/** A message as HTML with its styles in it, as mail programs need it, and as plain text. */
export function htmlMessage(facts: MessageFacts): Message {
  const { subject, text } = plainMessage(facts);
  const rows = listFacts(facts).map(
    ([name, value]) =>
      `<tr><td class="quiet" style="padding:2px 12px 2px 0;color:#57606a;vertical-align:top;white-space:nowrap">${escapeHtml(name)}</td><td style="padding:2px 0;overflow-wrap:anywhere;word-break:break-word">${name === "Page" ? link(value) : escapeHtml(value)}</td></tr>`,
  );
  const sections = listSections(facts).map(({ title, shown, more }) => {
    const items = more > 0 ? [...shown, `and ${more} more`] : shown;
    const list = items.map(
      (item) => `<li style="overflow-wrap:anywhere;word-break:break-word">${escapeHtml(item)}</li>`,
    );
    return `${heading(title)}<ul style="margin:0;padding-left:20px">${list.join("")}</ul>`;
  });
  const logs = facts.logs.map(
    ({ step, log, text: lines }) =>
      `${heading(`Last lines of ${step}/${log}`)}<pre class="log" style="background:#f6f8fa;color:#1f2328;border-radius:6px;padding:10px;font:12px/1.5 ui-monospace,Consolas,Menlo,monospace;white-space:pre-wrap;overflow-wrap:anywhere;margin:0">${escapeHtml(lines)}</pre>`,
  );
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${escapeHtml(subject)}</title><style>${styles}</style></head><body class="page" style="margin:0;background:#ffffff;color:#1f2328"><div style="font:14px/1.45 -apple-system,'Segoe UI',Helvetica,Arial,sans-serif;max-width:680px;padding:16px">
<div style="border-left:4px solid ${colourOf(facts)};padding:2px 0 2px 12px;font-size:18px"><strong><a class="title" href="${escapeHtml(facts.url)}" style="color:#1f2328;text-decoration:none">${escapeHtml(subject)}</a></strong></div>
<table style="border-collapse:collapse;margin-top:12px;font-size:14px">${rows.join("")}</table>
${[...sections, ...logs].join("\n")}
<div class="quiet" style="color:#57606a;font-size:12px;margin-top:20px">Sent by the build cluster ${escapeHtml(facts.cluster)}.</div>
</div></body></html>`;
  return { subject, text, html };
}

export const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const link = (url: string) => `<a href="${escapeHtml(url)}" style="color:#0969da">${escapeHtml(url)}</a>`;
