import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { chatContext, chatMessage } from "./chat/chat-shape.ts";
import { httpShape } from "./http/http-shape.ts";
import { type Irc, openIrc, previewIrc } from "./irc/connection.ts";
import { checkTemplate, messageShape } from "./messages/message.ts";
import { nameEvent } from "./messages/plain-message.ts";
import { reporterShape } from "./reporter-options.ts";

const options = z.strictObject({
  ...reporterShape,
  ...messageShape,
  ...httpShape,
  logLines: messageShape.logLines.default(0),
  host: z.string().min(1).describe("The server."),
  port: z.int().min(1).max(65_535).default(6697).describe("Its port."),
  tls: z.boolean().default(true).describe("Whether the connection is encrypted."),
  nick: z
    .string()
    .regex(/^[A-Za-z[\]\\`_^{|}][\w[\]\\`^{|}-]*$/, "must be a nickname")
    .describe("The nickname."),
  password: z.string().min(1).optional().describe("The server's password, or that of the account at many networks."),
  channels: z
    .array(z.string().regex(/^[#&][^\s,:]+$/, 'must be a channel, such as "#builds"'))
    .min(1)
    .describe("The channels that it joins and writes to."),
});

/** Writes to channels of IRC, one line for each event. */
export default defineReporter({
  type: "irc",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const irc: Irc = ctx.preview ? previewIrc(ctx.preview) : openIrc(opts, ctx);
    return {
      async send(report) {
        const secrets = opts.password === undefined ? [] : [opts.password];
        const template = (facts: Parameters<typeof nameEvent>[0]) => ({
          subject: nameEvent(facts),
          text: `${nameEvent(facts)} ${facts.url}`,
        });
        const { message } = await chatMessage(ctx, report, opts, { template, secrets });
        const lines = message.text.split(/[\r\n]+/).filter((line) => line.trim() !== "");
        await irc.write(opts.channels, lines.slice(0, 5));
      },
      close: () => irc.close(),
    };
  },
});
