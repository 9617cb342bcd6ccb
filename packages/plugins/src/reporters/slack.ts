import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { chatContext, chatMessage, chatShape, cutText } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { colourOf } from "./messages/html-message.ts";
import { checkTemplate } from "./messages/message.ts";
import { plainMessage } from "./messages/plain-message.ts";

const options = z.strictObject({
  ...chatShape,
  url: z.url().describe("URL of the incoming webhook. Who knows it may write: read it from the environment."),
});

/** Writes to Slack, by an incoming webhook. */
export default defineReporter({
  type: "slack",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    return {
      async send(report) {
        const own = { template: plainMessage, secrets: [opts.url] };
        const { message, facts } = await chatMessage(ctx, report, opts, own);
        const { subject, text } = message;
        const body = {
          text: escapeSlack(subject),
          attachments: [
            {
              color: colourOf(facts),
              title: cutText(escapeSlack(subject), 250),
              title_link: report.url,
              text: cutText(escapeSlack(text), 3000),
              fallback: cutText(escapeSlack(subject), 250),
            },
          ],
        };
        await ask({ method: "POST", url: opts.url, body });
      },
    };
  },
});

/** The three characters that Slack wants to be escaped; what is left of mentions names no one. */
const escapeSlack = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
