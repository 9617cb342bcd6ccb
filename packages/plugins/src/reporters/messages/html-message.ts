import { Results } from "@multimaster/core";
import type { Message, MessageFacts } from "./message-facts.ts";
import { describeChange, listFacts, nameEvent, notableSteps, plainMessage, shortList } from "./plain-message.ts";

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

/** The colour of what happened. */
export function colourOf({ build, buildset, event }: MessageFacts): string {
  const results = build ? build.results : buildset?.results;
  if (results !== null && results !== undefined) return colours[results] ?? bad;
  return event === "worker-missing" || event === "worker-quarantined" ? bad : "#0969da";
}

/** A message as HTML with its styles in it, as mail programs need it, and as plain text. */
export function htmlMessage(facts: MessageFacts): Message {
  const { subject, text } = plainMessage(facts);
  const section = (title: string, items: readonly string[]) => {
    if (items.length === 0) return "";
    const { shown, more } = shortList(items);
    const rest = more > 0 ? `<li>and ${more} more</li>` : "";
    return `<h3 style="font-size:14px;margin:16px 0 4px">${title}</h3><ul style="margin:0;padding-left:20px">${shown.map((item) => `<li>${escapeHtml(item)}</li>`).join("")}${rest}</ul>`;
  };
  const rows = listFacts(facts).map(
    ([name, value]) =>
      `<tr><td style="padding:2px 12px 2px 0;color:#57606a;vertical-align:top">${escapeHtml(name)}</td><td style="padding:2px 0">${name === "Page" ? link(value) : escapeHtml(value)}</td></tr>`,
  );
  const logs = facts.logs.map(
    ({ step, log, text: lines }) =>
      `<h3 style="font-size:14px;margin:16px 0 4px">Last lines of ${escapeHtml(`${step}/${log}`)}</h3><pre style="background:#f6f8fa;color:#1f2328;border-radius:6px;padding:10px;font-size:12px;white-space:pre-wrap;margin:0">${escapeHtml(lines)}</pre>`,
  );
  const html = `<!doctype html><html><body style="margin:0;background:#ffffff"><div style="font:14px/1.45 -apple-system,'Segoe UI',Helvetica,Arial,sans-serif;color:#1f2328;max-width:680px;padding:16px">
<div style="border-left:4px solid ${colourOf(facts)};padding:2px 0 2px 12px;font-size:18px;font-weight:600">${escapeHtml(nameEvent(facts))}</div>
<table style="border-collapse:collapse;margin-top:12px">${rows.join("")}</table>
${section("Changes", facts.changes.map(describeChange))}
${section(
  "Steps",
  notableSteps(facts).map(({ name, state }) => `${name}: ${state}`),
)}
${section(
  "Failing tests",
  facts.failingTests.map(({ name, path }) => (path ? `${name} (${path})` : name)),
)}
${logs.join("\n")}
<div style="color:#57606a;font-size:12px;margin-top:20px">Sent by the build cluster ${escapeHtml(facts.cluster)}.</div>
</div></body></html>`;
  return { subject, text, html };
}

export const escapeHtml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const link = (url: string) => `<a href="${escapeHtml(url)}">${escapeHtml(url)}</a>`;
