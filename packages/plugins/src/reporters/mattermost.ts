import { z } from "zod";
import { defineReporter, ReportFailure } from "../define-reporter.ts";
import { webUrl } from "../web-options.ts";
import { chatContext, chatMessage, chatShape } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { cutText } from "./messages/cut-text.ts";
import { webhookSecrets } from "./messages/hide-secrets.ts";
import { markdownMessage } from "./messages/markdown-message.ts";
import { checkTemplate } from "./messages/message.ts";
import type { Message } from "./messages/message-facts.ts";

const options = z.strictObject({
  ...chatShape,
  url: webUrl.describe("URL of the incoming webhook. Who knows it may write: read it from the environment."),
  channel: z.string().min(1).optional().describe("Another channel than the webhook's own."),
  username: z.string().min(1).optional().describe("The name that is shown."),
});

const refusal = z.object({ id: z.string(), message: z.string() }).catch({ id: "", message: "" });

/** Mattermost splits longer texts. */
const longest = 16_000;
const fits = ({ text }: Message) => text.length <= longest;

/** Writes to Mattermost, by an incoming webhook; Rocket.Chat takes the same. */
export default defineReporter({
  type: "mattermost",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts, { isOnlyAddress: true });
    return {
      async send(report) {
        const own = { template: markdownMessage, secrets: webhookSecrets(opts.url), fits };
        const { message } = await chatMessage(ctx, report, opts, own);
        const body = {
          text: cutText(message.text, longest),
          ...(opts.channel !== undefined && { channel: opts.channel }),
          ...(opts.username !== undefined && { username: opts.username }),
        };
        const { status, json } = await ask({ method: "POST", url: opts.url, body, accept: [400] });
        if (status !== 400) return;
        // Mattermost answers so for a webhook that was deleted, too.
        const { id, message: said } = refusal.parse(json);
        const isGone = id === "web.incoming_webhook.invalid.app_error";
        const sentence = `${new URL(opts.url).host} ${isGone ? "does not know this webhook: is it deleted, or wrong?" : "refuses the report (400)"}`;
        throw new ReportFailure(`${sentence}${said && `: ${said}`}`, { of: isGone ? "target" : "report" });
      },
    };
  },
});
