import { createHash } from "node:crypto";
import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { tokenOption, webUrl } from "../web-options.ts";
import { chatContext, chatMessage, chatShape } from "./chat/chat-shape.ts";
import { askWith } from "./http/http-shape.ts";
import { cutText } from "./messages/cut-text.ts";
import { htmlMessage } from "./messages/html-message.ts";
import { checkTemplate } from "./messages/message.ts";
import type { Message } from "./messages/message-facts.ts";

const options = z.strictObject({
  ...chatShape,
  url: webUrl.transform((url) => url.replace(/\/$/, "")).describe("URL of the homeserver."),
  token: tokenOption.describe("Access token of the user who writes, who must be in the room."),
  room: z.string().regex(/^!/, 'must be the id of a room, which begins with "!"').describe("Id of the room."),
});

/** As HTML, and as the text that is sent if that is too long. */
const fits = ({ subject, text, html = "" }: Message) =>
  Buffer.byteLength(JSON.stringify({ text, html: inner(html) })) + subject.length <= longestEvent - 1000;

/** Writes to a room of Matrix. The transaction's id makes the homeserver ignore what it has already. */
export default defineReporter({
  type: "matrix",
  options,
  events: ["build-ended"],
  contextOf: chatContext,
  check: checkTemplate,
  open(ctx, opts) {
    const ask = askWith(ctx, opts, { isOnlyAddress: true });
    const headers = { authorization: `Bearer ${opts.token}` };
    return {
      async send(report, { id }) {
        const own = { template: htmlMessage, secrets: [opts.token], fits };
        const { message } = await chatMessage(ctx, report, opts, own);
        const text = `${message.subject}\n\n${message.text}`;
        const base = {
          // Other programs do not answer notices.
          msgtype: "m.notice",
          // Names no one: what a build says, such as "@room", must not notify all.
          "m.mentions": {},
        };
        const shown = message.html === undefined ? "" : inner(message.html);
        const whole = { ...base, body: text, format: "org.matrix.custom.html", formatted_body: shown };
        const isShort = shown !== "" && Buffer.byteLength(JSON.stringify(whole)) <= longestEvent;
        const body = isShort ? whole : { ...base, body: cutText(text, longestText) };
        const transaction = createHash("sha256").update(id).digest("hex");
        const path = `rooms/${encodeURIComponent(opts.room)}/send/m.room.message/${transaction}`;
        await ask({ method: "PUT", url: `${opts.url}/_matrix/client/v3/${path}`, headers, body });
      },
    };
  },
});

/** An event has 65,536 bytes at most, with what the homeserver adds. One without HTML has six bytes a character at most. */
const longestEvent = 60_000;
const longestText = 10_000;

/** Clients show a part of HTML: what is in the body. */
const inner = (html: string) => /<body[^>]*>([\s\S]*)<\/body>/.exec(html)?.[1] ?? html;
