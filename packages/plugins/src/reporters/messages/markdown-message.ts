import { findGreatest } from "@multimaster/core";
import type { Message, MessageFacts } from "./message-facts.ts";
import { listFacts, listSections, nameEvent } from "./plain-message.ts";

/** A message as Markdown, for forges and chats. */
export function markdownMessage(facts: MessageFacts): Message {
  const { subject, text } = untitledMarkdown(facts);
  return { subject, text: `**[${escapeMarkdown(subject)}](${facts.url})**\n\n${text}` };
}

/** The same for targets that show the subject and the link themselves. */
export function untitledMarkdown(facts: MessageFacts): Message {
  const lines: string[] = [];
  for (const [name, value] of listFacts(facts))
    if (name !== "Page") lines.push(`- ${escapeMarkdown(name)}: ${escapeMarkdown(value)}`);
  for (const { title, shown, more } of listSections(facts)) {
    lines.push("", `**${title}**`, "", ...shown.map((item) => `- ${escapeMarkdown(item)}`));
    if (more > 0) lines.push(`- and ${more} more`);
  }
  for (const { step, log, text } of facts.logs) {
    // Longer than any fence in the text.
    const fence = "`".repeat(Math.max(2, findGreatest(text.match(/`+/g) ?? [], (run) => run.length) ?? 0) + 1);
    lines.push("", `Last lines of ${escapeMarkdown(`${step}/${log}`)}:`, "", fence, text, fence);
  }
  return { subject: nameEvent(facts), text: `${lines.join("\n")}\n` };
}

/** Characters that mean something to Markdown, and mentions of users. */
export const escapeMarkdown = (text: string): string =>
  text.replaceAll(/[\\`*_{}[\]<>#|~]/g, "\\$&").replaceAll(/@(?=\w)/g, "@\u200b");
