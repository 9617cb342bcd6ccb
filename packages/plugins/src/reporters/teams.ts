import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { webUrl } from "../web-options.ts";
import { chatContext, chatMessage, chatShape } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { webhookSecrets } from "./messages/hide-secrets.ts";
import { checkTemplate, maskSecrets } from "./messages/message.ts";
import type { Message, MessageFacts } from "./messages/message-facts.ts";
import { plainMessage } from "./messages/plain-message.ts";
import { cutCard, isShort, plainCard, richCard, wholeCard } from "./messages/teams-card.ts";

const options = z.strictObject({
  ...chatShape,
  url: webUrl.describe("URL of the workflow's webhook. Who knows it may write: read it from the environment."),
});

/** Writes to Microsoft Teams, as an adaptive card, by the webhook of a workflow. */
export default defineReporter({
  type: "teams",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts, { isOnlyAddress: true });
    return {
      async send(report) {
        const secrets = webhookSecrets(opts.url);
        const fits = (made: Message, of: MessageFacts) => isShort(opts.message ? wholeCard(made) : richCard(of, made));
        const { message, facts } = await chatMessage(ctx, report, opts, { template: plainMessage, secrets, fits });
        const content = {
          $schema: "http://adaptivecards.io/schemas/adaptive-card.json",
          type: "AdaptiveCard",
          version: "1.4",
          msteams: { width: "Full" },
          body: opts.message ? plainCard(message) : cutCard(facts, message),
          actions: [{ type: "Action.OpenUrl", title: "Open", url: report.url }],
        };
        const attachment = { contentType: "application/vnd.microsoft.card.adaptive", contentUrl: null, content };
        const whole = JSON.stringify({ type: "message", attachments: [attachment] });
        await ask({ method: "POST", url: opts.url, body: JSON.parse(maskSecrets(whole, secrets)) as object });
      },
    };
  },
});
