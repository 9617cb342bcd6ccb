import { z } from "zod";
import { defineReporter, ReportFailure } from "../define-reporter.ts";
import { chatContext, chatMessage } from "./chat/chat-shape.ts";
import { deliverEach } from "./deliver-each.ts";
import { httpShape } from "./http/http-shape.ts";
import { type Irc, openIrc, previewIrc } from "./irc/connection.ts";
import { checkTemplate, messageShape } from "./messages/message.ts";
import type { Message, MessageFacts } from "./messages/message-facts.ts";
import { nameEvent } from "./messages/plain-message.ts";
import { reporterShape } from "./reporter-options.ts";

const options = z.strictObject({
  ...reporterShape,
  ...messageShape,
  ...httpShape,
  logLines: messageShape.logLines
    .default(0)
    .describe("Last lines shown of logs of steps that failed, at most eight of all; 0: none."),
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

/** Lines of a message: servers throw out who writes many. */
const mostLines = 5;
const mostLogLines = 8;

const isNotEmpty = (line: string) => line.trim() !== "";

/** One line, and the last ones of logs below it. */
function ircMessage(facts: MessageFacts): Message {
  const logs = facts.logs.flatMap(({ text }) => text.split("\n").filter(isNotEmpty));
  const subject = nameEvent(facts);
  return { subject, text: [`${subject} ${facts.url}`, ...logs.slice(-mostLogLines)].join("\n") };
}

/** Channels that have got a report already. */
const written = z.object({ id: z.string(), channels: z.array(z.string()) });

function readWritten(memory: string | undefined, id: string): string[] {
  if (memory === undefined) return [];
  const known = written.parse(JSON.parse(memory));
  return known.id === id ? known.channels : [];
}

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
      async send(report, { id, memory, remember }) {
        const secrets = opts.password === undefined ? [] : [opts.password];
        const { message } = await chatMessage(ctx, report, opts, { template: ircMessage, secrets, fits: () => true });
        const lines = message.text.split(/[\r\n]+/).filter(isNotEmpty);
        const shown = lines.slice(0, opts.message ? mostLines : 1 + mostLogLines);
        const progress = {
          keyOf: (channel: string) => channel,
          done: readWritten(memory, id),
          save: (channels: readonly string[]) => remember(JSON.stringify({ id, channels })),
        };
        await deliverEach(opts.channels, progress, async (channel) => {
          const refusal = await irc.write(channel, shown);
          if (refusal !== undefined) throw new ReportFailure(`${opts.host} refuses: ${refusal}`, { of: "report" });
        });
      },
      close: () => irc.close(),
    };
  },
});
