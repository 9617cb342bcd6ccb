import type { Message, MessageFacts } from "./message-facts.ts";
import { listFacts, listSections, nameEvent } from "./plain-message.ts";

/** A message in Slack's own marks. The reporter escapes what names users and channels. */
export function slackMessage(facts: MessageFacts): Message {
  const lines = listFacts(facts).flatMap(([name, value]) => (name === "Page" ? [] : `*${name}*  ${unmark(value)}`));
  for (const { title, shown, more } of listSections(facts)) {
    lines.push("", `*${title}*`, ...shown.map((item) => `• ${unmark(item)}`));
    if (more > 0) lines.push(`• and ${more} more`);
  }
  // Nothing can be escaped within a block: its end is broken up.
  for (const { step, log, text } of facts.logs)
    lines.push("", `*Last lines of ${unmark(`${step}/${log}`)}*`, `\`\`\`${text.replaceAll("```", "`\u200b``")}\`\`\``);
  return { subject: nameEvent(facts), text: `${lines.join("\n")}\n` };
}

/** Marks count at the edges of words: a character without width before them ends that. */
const unmark = (text: string) => text.replaceAll(/[*_~`]/g, "\u200b$&");
