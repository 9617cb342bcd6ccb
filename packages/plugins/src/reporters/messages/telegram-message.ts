import { cutFront, cutText } from "./cut-text.ts";
import { escapeHtml } from "./html-message.ts";
import type { Message, MessageFacts } from "./message-facts.ts";
import { listFacts, listSections, plainMessage } from "./plain-message.ts";

/** Telegram counts 4096 characters of what it shows; a piece that would not fit as a whole is left out, a log is cut. */
const longest = 3800;

/** A message in the few tags that Telegram knows. */
export function telegramMessage(facts: MessageFacts): Message {
  const message = plainMessage(facts);
  const pieces: string[] = [];
  let left = longest;
  const add = (text: string, html: string) => {
    if (text.length >= left) return;
    left -= text.length + 1;
    pieces.push(html);
  };
  const bold = (text: string) => `<b>${escapeHtml(text)}</b>`;
  const subject = cutText(message.subject, 300);
  add(subject, `<a href="${escapeHtml(facts.url)}">${escapeHtml(subject)}</a>`);
  for (const [name, value] of listFacts(facts))
    if (name !== "Page") add(`${name}: ${value}`, `${bold(name)}: ${escapeHtml(value)}`);
  for (const { title, shown, more } of listSections(facts)) {
    const items = [...shown, ...(more > 0 ? [`and ${more} more`] : [])].map((item) => `• ${item}`);
    const text = items.join("\n");
    add(`\n${title}\n${text}`, `\n${bold(title)}\n${escapeHtml(text)}`);
  }
  for (const { step, log, text } of facts.logs) {
    const title = `Last lines of ${step}/${log}`;
    const shown = cutFront(text, Math.max(1, left - title.length - 10));
    add(`\n${title}\n${shown}`, `\n${bold(title)}\n<pre>${escapeHtml(shown)}</pre>`);
  }
  return { ...message, html: pieces.join("\n") };
}
