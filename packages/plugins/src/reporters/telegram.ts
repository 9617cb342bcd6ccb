import { z } from "zod";
import { defineReporter, ReportFailure } from "../define-reporter.ts";
import { chatContext, chatMessage, chatShape, cutText } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { escapeHtml } from "./messages/html-message.ts";
import { checkTemplate } from "./messages/message.ts";
import { plainMessage } from "./messages/plain-message.ts";

const options = z.strictObject({
  ...chatShape,
  url: z
    .url()
    .default("https://api.telegram.org")
    .transform((url) => url.replace(/\/$/, ""))
    .describe("URL of the API."),
  token: z.string().min(1).describe("Token of the bot."),
  chat: z.union([z.int(), z.string().min(1)]).describe("Id of the chat, or @name of a public channel."),
});

const limited = z.object({ parameters: z.object({ retry_after: z.number() }) });

/** Writes to a chat of Telegram, by a bot. */
export default defineReporter({
  type: "telegram",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts);
    return {
      async send(report) {
        const own = { template: plainMessage, secrets: [opts.token] };
        const { message } = await chatMessage(ctx, report, opts, own);
        const title = `<a href="${escapeHtml(report.url)}">${escapeHtml(message.subject)}</a>`;
        const body = {
          chat_id: opts.chat,
          // At most 4096 characters once the marks are read.
          text: `${title}\n${escapeHtml(cutText(message.text, 3500))}`,
          parse_mode: "HTML",
          link_preview_options: { is_disabled: true },
        };
        const answer = await ask({
          method: "POST",
          url: `${opts.url}/bot${opts.token}/sendMessage`,
          body,
          accept: [429],
        });
        if (answer.status !== 429) return;
        // It says in the body when to come again.
        const wait = limited.safeParse(answer.json);
        const retryAfterMs = wait.success ? wait.data.parameters.retry_after * 1000 : undefined;
        throw new ReportFailure(`${new URL(opts.url).host} limits the rate`, { of: "target", retryAfterMs });
      },
    };
  },
});
