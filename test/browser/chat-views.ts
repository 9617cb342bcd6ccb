// How chats show what a reporter sends them, as far as their documentation says: for pictures that people judge messages by.

const escapeText = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** Slack's marks: *bold*, ```block```; the three entities are escaped already. */
function showMrkdwn(text: string): string {
  return text
    .split("```")
    .map((part, i) =>
      i % 2 === 1
        ? `<pre>${part}</pre>`
        : part
            .replace(/^\n|\n$/g, "")
            .replaceAll(/(?<=^|\s)\*([^*\n]+)\*(?=\s|$)/gm, "<b>$1</b>")
            .replaceAll("\n", "<br>"),
    )
    .join("");
}

/** The part of Markdown that the messages use. */
function showMarkdown(text: string): string {
  const html: string[] = [];
  let fence = "";
  let block: string[] = [];
  for (const line of text.split("\n")) {
    const marks = /^`{3,}$/.exec(line)?.[0];
    if (marks && (fence === "" || marks === fence)) {
      if (fence) html.push(`<pre>${escapeText(block.join("\n"))}</pre>`);
      fence = fence ? "" : marks;
      block = [];
    } else if (fence) block.push(line);
    else if (line.startsWith("- ")) html.push(`<li>${showInline(line.slice(2))}</li>`);
    else if (line !== "") html.push(`<p>${showInline(line)}</p>`);
  }
  return html.join("");
}

function showInline(line: string): string {
  const kept: string[] = [];
  return escapeText(line.replaceAll(/\\(.)/g, (_, character: string) => `\uE000${kept.push(character) - 1}\uE001`))
    .replaceAll(/\*\*(.+?)\*\*/g, "<b>$1</b>")
    .replaceAll(/\[(.+?)\]\((.+?)\)/g, '<a href="$2">$1</a>')
    .replaceAll(/\uE000(\d+)\uE001/g, (_, i: string) => escapeText(kept[Number(i)] ?? ""));
}

/** Clients of Matrix leave tags and drop styles. */
const showMatrix = (html: string) => html.replaceAll(/ (?:style|class)="[^"]*"/g, "");

interface CardElement {
  readonly type: string;
  readonly text?: string;
  readonly weight?: string;
  readonly color?: string;
  readonly fontType?: string;
  readonly size?: string;
  readonly facts?: readonly { title: string; value: string }[];
}

function showCard(elements: readonly CardElement[]): string {
  const colours: Readonly<Record<string, string>> = { Good: "#237b4b", Attention: "#c4314b", Warning: "#8a6100" };
  return elements
    .map(({ type, text = "", weight, color = "", fontType, size, facts = [] }) => {
      if (type === "FactSet")
        return `<table>${facts.map((fact) => `<tr><td><b>${escapeText(fact.title)}</b></td><td>${escapeText(fact.value)}</td></tr>`).join("")}</table>`;
      const style = `${weight === "Bolder" ? "font-weight:600;" : ""}${colours[color] ? `color:${colours[color]};` : ""}${fontType === "Monospace" ? "font-family:monospace;font-size:12px;" : ""}${size === "Medium" ? "font-size:17px;" : ""}`;
      const lines = text
        .split(/\n\n|\r/)
        .map((line) => (line.startsWith("- ") ? `<li>${escapeText(line.slice(2))}</li>` : `${escapeText(line)}<br>`));
      return `<div style="${style}margin:6px 0">${lines.join("")}</div>`;
    })
    .join("");
}

const look: Readonly<Record<string, string>> = {
  slack: "background:#fff;color:#1d1c1d;font:15px/1.46 Lato,Arial,sans-serif",
  discord: "background:#313338;color:#dbdee1;font:15px/1.4 'gg sans',Arial,sans-serif",
  teams: "background:#f5f5f5;color:#242424;font:14px/1.4 'Segoe UI',Arial,sans-serif",
  telegram: "background:#d6e4ef;color:#000;font:14px/1.4 Roboto,Arial,sans-serif",
  zulip: "background:#fff;color:#333;font:14px/1.4 'Source Sans 3',Arial,sans-serif",
  mattermost: "background:#fff;color:#3f4350;font:14px/1.4 'Open Sans',Arial,sans-serif",
  matrix: "background:#fff;color:#17191c;font:15px/1.4 Inter,Arial,sans-serif",
};

// biome-ignore lint/suspicious/noExplicitAny: what each chat was sent is checked by its contract
type Sent = any;

const views: Readonly<Record<string, (sent: Sent, text: string) => string>> = {
  slack({ attachments: [one] }: Sent) {
    return `<div style="border-left:4px solid ${one.color};padding:2px 0 2px 12px"><a href="${one.title_link}"><b>${one.title}</b></a><div>${showMrkdwn(one.text)}</div></div>`;
  },
  discord({ embeds: [one] }: Sent) {
    const colour = one.color.toString(16).padStart(6, "0");
    return `<div style="border-left:4px solid #${colour};background:#2b2d31;border-radius:4px;padding:10px 14px"><a href="${one.url}"><b>${escapeText(one.title)}</b></a>${showMarkdown(one.description)}</div>`;
  },
  teams({ attachments: [{ content }] }: Sent) {
    return `<div style="background:#fff;border-radius:6px;padding:12px 16px;box-shadow:0 1px 2px #0003">${showCard(content.body)}<span style="display:inline-block;border:1px solid #bbb;border-radius:4px;padding:4px 14px;font-weight:600;margin-top:8px">${content.actions[0].title}</span></div>`;
  },
  telegram: ({ text }: Sent) =>
    `<div style="background:#fff;border-radius:12px;padding:8px 12px;white-space:pre-wrap">${text}</div>`,
  zulip: (_, text) => showMarkdown(new URLSearchParams(text).get("content") ?? ""),
  mattermost: ({ text }: Sent) => showMarkdown(text),
  matrix: ({ formatted_body: html }: Sent) => showMatrix(html),
};

/** A page with what a chat shows. */
export function showInChat(kind: string, body: unknown, text: string): string {
  const view = views[kind]?.(body, text) ?? "";
  return `<!doctype html><meta charset="utf-8"><style>
body{margin:0;padding:14px;${look[kind]}} a{color:${kind === "discord" ? "#00a8fc" : "#1264a3"};text-decoration:none} p{margin:4px 0} li{margin-left:18px}
pre{background:${kind === "discord" ? "#1e1f22" : "#f3f3f3"};border:1px solid #0002;border-radius:4px;padding:8px;margin:4px 0;font:12px/1.5 monospace;white-space:pre-wrap}
td{padding:1px 12px 1px 0;vertical-align:top} h3{font-size:15px;margin:8px 0 2px} .quiet{color:inherit}</style><body>${view}`;
}
