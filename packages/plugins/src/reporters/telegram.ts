import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { tokenOption, webUrl } from "../web-options.ts";
import { chatContext, chatMessage, chatShape } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { cutText } from "./messages/cut-text.ts";
import { escapeHtml } from "./messages/html-message.ts";
import { checkTemplate } from "./messages/message.ts";
import type { Message } from "./messages/message-facts.ts";
import { telegramMessage } from "./messages/telegram-message.ts";

const options = z.strictObject({
  ...chatShape,
  url: webUrl
    .default("https://api.telegram.org")
    .transform((url) => url.replace(/\/$/, ""))
    .describe("URL of the API."),
  token: tokenOption.describe("Token of the bot."),
  chat: z.union([z.int(), z.string().min(1)]).describe("Id of the chat, or @name of a public channel."),
});

/** Telegram counts what it shows: the ready template has made its HTML fit. */
const longest = 3500;
const fits = ({ text, html }: Message) => html !== undefined || text.length <= longest;

/** Writes to a chat of Telegram, by a bot. */
export default defineReporter({
  type: "telegram",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts, { isOnlyAddress: true });
    return {
      async send(report) {
        const own = { template: telegramMessage, secrets: [opts.token], fits };
        const { message } = await chatMessage(ctx, report, opts, own);
        const title = `<a href="${escapeHtml(report.url)}">${escapeHtml(cutText(message.subject, 300))}</a>`;
        const body = {
          chat_id: opts.chat,
          // HTML of one's own template may be that of mail, of which Telegram knows few tags.
          text:
            opts.message === undefined && message.html !== undefined
              ? message.html
              : `${title}\n${escapeHtml(cutText(message.text, longest))}`,
          parse_mode: "HTML",
          link_preview_options: { is_disabled: true },
        };
        await ask({ method: "POST", url: `${opts.url}/bot${opts.token}/sendMessage`, body });
      },
    };
  },
});
