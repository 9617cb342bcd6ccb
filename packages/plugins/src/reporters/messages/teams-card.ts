import { Results } from "@multimaster/core";
import { cutText } from "./cut-text.ts";
import type { Message, MessageFacts } from "./message-facts.ts";
import { listFacts, listSections } from "./plain-message.ts";

/** Teams takes 28 KB, of JSON. */
const mostBytes = 24_000;
/** Whether Teams takes such a card. */
export const isShort = (elements: readonly object[]) => Buffer.byteLength(JSON.stringify(elements)) <= mostBytes;

const block = (text: string, more: object = {}) => ({ type: "TextBlock", text, wrap: true, ...more });
const title = (subject: string, more: object = {}) =>
  block(unlink(cutText(subject, 300)), { size: "Medium", weight: "Bolder", ...more });

/** The elements of a card about what happened. */
export function richCard(facts: MessageFacts, { subject }: Message): object[] {
  const rows = listFacts(facts).flatMap(([name, value]) =>
    name === "Page" || value === "" ? [] : { title: name, value: unlink(value) },
  );
  const head = [
    title(subject, { color: colourOf(facts) }),
    ...(rows.length > 0 ? [{ type: "FactSet", facts: rows }] : []),
  ];
  const sections = listSections(facts).flatMap(({ title: name, shown, more }) => {
    const items = more > 0 ? [...shown, `and ${more} more`] : shown;
    return [
      block(name, { weight: "Bolder" }),
      block(items.map((item) => `- ${unlink(item)}`).join("\r"), { spacing: "None" }),
    ];
  });
  const logs = facts.logs.flatMap(({ step, log, text: lines }) => [
    block(unlink(`Last lines of ${step}/${log}`), { weight: "Bolder" }),
    block(unlink(lines.replaceAll("\n", "\n\n")) || " ", { fontType: "Monospace", size: "Small", spacing: "None" }),
  ]);
  return [...head, ...sections, ...logs];
}

/** The same, or a text alone if there is no room for it. */
export function cutCard(facts: MessageFacts, message: Message): object[] {
  const card = richCard(facts, message);
  return isShort(card) ? card : plainCard(message);
}

/** A text alone. Two line ends make one in a card. */
export const wholeCard = ({ subject, text }: Message): object[] => [
  title(subject),
  block(unlink(text.replaceAll("\n", "\n\n")) || " "),
];

/** The same, as much as there is room for. */
export function plainCard({ subject, text }: Message): object[] {
  const whole = unlink(text.replaceAll("\n", "\n\n"));
  let cut = whole;
  while (!isShort([block(cut)])) cut = cutText(whole, Math.floor(cut.length * 0.8));
  return [title(subject), block(cut || " ")];
}

/** Cards show [a](b) as a link: what a commit says must not lead elsewhere than it seems to. */
const unlink = (text: string) => text.replaceAll("](", "]\u200b(");

function colourOf({ build, buildset }: MessageFacts): string {
  const results = build ? build.results : buildset?.results;
  if (results === Results.SUCCESS) return "Good";
  if (results === Results.WARNINGS) return "Warning";
  return results === Results.FAILURE || results === Results.EXCEPTION ? "Attention" : "Default";
}
