import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { webUrl } from "../web-options.ts";
import { chatContext, chatMessage, chatShape } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { cutText } from "./messages/cut-text.ts";
import { markdownMessage } from "./messages/markdown-message.ts";
import { checkTemplate } from "./messages/message.ts";
import type { Message } from "./messages/message-facts.ts";

const options = z.strictObject({
  ...chatShape,
  url: webUrl.transform((url) => url.replace(/\/$/, "")).describe("URL of the organization."),
  email: z.string().min(3).describe("Address of the bot."),
  key: z.string().min(1).describe("API key of the bot."),
  stream: z.string().min(1).describe("The channel."),
  topic: z.string().min(1).max(60).optional().describe("The topic; default: the builder's name."),
});

/** Zulip takes no longer text. */
const longest = 10_000;
const fits = ({ text }: Message) => text.length <= longest;

/** Writes to a channel of Zulip, by a bot. */
export default defineReporter({
  type: "zulip",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts, { isOnlyAddress: true });
    const authorization = `Basic ${Buffer.from(`${opts.email}:${opts.key}`).toString("base64")}`;
    return {
      async send(report) {
        const own = { template: markdownMessage, secrets: [opts.key], fits };
        const { message } = await chatMessage(ctx, report, opts, own);
        const form = new URLSearchParams({
          type: "stream",
          to: opts.stream,
          topic: cutText(opts.topic ?? report.build?.builder ?? "builds", 60),
          content: cutText(message.text, longest),
        });
        await ask({
          method: "POST",
          url: `${opts.url}/api/v1/messages`,
          headers: { authorization, "content-type": "application/x-www-form-urlencoded" },
          body: form.toString(),
        });
      },
    };
  },
});
