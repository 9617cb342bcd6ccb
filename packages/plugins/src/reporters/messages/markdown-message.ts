import { findGreatest } from "@multimaster/core";
import type { Message, MessageFacts } from "./message-facts.ts";
import { describeChange, listFacts, nameEvent, notableSteps, shortList } from "./plain-message.ts";

/** A message as Markdown, for forges and chats. */
export function markdownMessage(facts: MessageFacts): Message {
  const subject = nameEvent(facts);
  const lines = [`**[${escapeMarkdown(subject)}](${facts.url})**`, ""];
  for (const [name, value] of listFacts(facts))
    if (name !== "Page") lines.push(`- ${escapeMarkdown(name)}: ${escapeMarkdown(value)}`);
  const section = (title: string, items: readonly string[]) => {
    if (items.length === 0) return;
    const { shown, more } = shortList(items);
    lines.push("", `**${title}**`, "", ...shown.map((item) => `- ${escapeMarkdown(item)}`));
    if (more > 0) lines.push(`- and ${more} more`);
  };
  section("Changes", facts.changes.map(describeChange));
  section(
    "Steps",
    notableSteps(facts).map(({ name, state }) => `${name}: ${state}`),
  );
  section(
    "Failing tests",
    facts.failingTests.map(({ name, path }) => (path ? `${name} (${path})` : name)),
  );
  for (const { step, log, text } of facts.logs) {
    // Longer than any fence in the text.
    const fence = "`".repeat(Math.max(2, findGreatest(text.match(/`+/g) ?? [], (run) => run.length) ?? 0) + 1);
    lines.push("", `Last lines of ${escapeMarkdown(`${step}/${log}`)}:`, "", fence, text, fence);
  }
  return { subject, text: `${lines.join("\n")}\n` };
}

/** Characters that mean something to Markdown, and mentions of users. */
export const escapeMarkdown = (text: string): string =>
  text.replaceAll(/[\\`*_{}[\]<>#|~]/g, "\\$&").replaceAll(/@(?=\w)/g, "@\u200b");
