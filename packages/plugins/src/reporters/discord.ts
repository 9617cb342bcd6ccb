import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { webUrl } from "../web-options.ts";
import { chatContext, chatMessage, chatShape } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { cutText } from "./messages/cut-text.ts";
import { webhookSecrets } from "./messages/hide-secrets.ts";
import { colourOf } from "./messages/html-message.ts";
import { untitledMarkdown } from "./messages/markdown-message.ts";
import { checkTemplate } from "./messages/message.ts";
import type { Message } from "./messages/message-facts.ts";

const options = z.strictObject({
  ...chatShape,
  url: webUrl.describe("URL of the webhook. Who knows it may write: read it from the environment."),
});

/** Discord takes no longer text. */
const longest = 4096;
const fits = ({ text }: Message) => text.length <= longest;

/** Writes to Discord, by a webhook. */
export default defineReporter({
  type: "discord",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts, { isOnlyAddress: true });
    const url = new URL(opts.url);
    // Discord then answers only once the message is stored.
    url.searchParams.set("wait", "true");
    return {
      async send(report) {
        const own = { template: untitledMarkdown, secrets: webhookSecrets(opts.url), fits };
        const { message, facts } = await chatMessage(ctx, report, opts, own);
        const body = {
          embeds: [
            {
              title: cutText(message.subject, 256),
              url: report.url,
              description: cutText(message.text, longest),
              color: Number.parseInt(colourOf(facts).slice(1), 16),
            },
          ],
          allowed_mentions: { parse: [] },
        };
        await ask({ method: "POST", url: url.href, body });
      },
    };
  },
});
