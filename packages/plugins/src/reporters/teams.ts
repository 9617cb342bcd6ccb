import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { chatContext, chatMessage, chatShape, cutText } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { checkTemplate } from "./messages/message.ts";
import type { Message, MessageFacts } from "./messages/message-facts.ts";
import { plainMessage } from "./messages/plain-message.ts";

const options = z.strictObject({
  ...chatShape,
  url: z.url().describe("URL of the workflow's webhook. Who knows it may write: read it from the environment."),
});

/** Writes to Microsoft Teams, as an adaptive card, by the webhook of a workflow. */
export default defineReporter({
  type: "teams",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    return {
      async send(report) {
        const own = { template: unlinkedMessage, secrets: [opts.url] };
        const { message } = await chatMessage(ctx, report, opts, own);
        const block = (text: string, more: object = {}) => ({ type: "TextBlock", text, wrap: true, ...more });
        const content = {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          body: [
            block(message.subject, { size: "Medium", weight: "Bolder" }),
            // Two line ends make one in a card.
            block(cutText(message.text, 15_000).replaceAll("\n", "\n\n")),
          ],
          actions: [{ type: "Action.OpenUrl", title: "Open", url: report.url }],
        };
        const attachment = { contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content };
        await ask({ method: "POST", url: opts.url, body: { type: "message", attachments: [attachment] } });
      },
    };
  },
});

/** Cards show [a](b) as a link: what a commit says must not lead elsewhere than it seems to. */
function unlinkedMessage(facts: MessageFacts): Message {
  const { subject, text } = plainMessage(facts);
  const unlink = (part: string) => part.replaceAll("](", "]\u200b(");
  return { subject: unlink(subject), text: unlink(text) };
}
