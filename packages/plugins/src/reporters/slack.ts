import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { webUrl } from "../web-options.ts";
import { chatContext, chatMessage, chatShape } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { cutText } from "./messages/cut-text.ts";
import { webhookSecrets } from "./messages/hide-secrets.ts";
import { colourOf } from "./messages/html-message.ts";
import { checkTemplate } from "./messages/message.ts";
import type { Message } from "./messages/message-facts.ts";
import { slackMessage } from "./messages/slack-message.ts";

const options = z.strictObject({
  ...chatShape,
  url: webUrl.describe("URL of the incoming webhook. Who knows it may write: read it from the environment."),
});

/** Slack folds longer texts. */
const longest = 3000;
const fits = ({ text }: Message) => text.length <= longest;

/** Writes to Slack, by an incoming webhook. */
export default defineReporter({
  type: "slack",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts, { isOnlyAddress: true });
    return {
      async send(report) {
        const own = { template: slackMessage, secrets: webhookSecrets(opts.url), fits };
        const { message, facts } = await chatMessage(ctx, report, opts, own);
        const subject = escapeSlack(cutText(message.subject, 200));
        const attachment = {
          color: colourOf(facts),
          // Shown where attachments are not, as in notifications.
          fallback: subject,
          title: subject,
          title_link: report.url,
          text: escapeSlack(cutText(message.text, longest)),
          mrkdwn_in: ["text"],
        };
        const body = { attachments: [attachment] };
        await ask({ method: "POST", url: opts.url, body });
      },
    };
  },
});

/** The three characters that Slack wants to be escaped; what is left of mentions names no one. */
const escapeSlack = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
