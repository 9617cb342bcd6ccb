import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { contextOfOther } from "./event-context.ts";
import { mailShape } from "./mail/mail-options.ts";
import { findRecipients } from "./mail/recipients.ts";
import { openTransport, previewTransport } from "./mail/transport.ts";
import { htmlMessage } from "./messages/html-message.ts";
import { checkTemplate, makeMessage, readFacts } from "./messages/message.ts";

/** What it reports if its options do not say. */
const usual = ["build-ended"] as const;

const options = z
  .strictObject(mailShape)
  .superRefine(({ to, sendToAuthors, sendToWorkerOwners, events = usual }, ctx) => {
    if (typeof to === "function" || to.length > 0) return;
    const reports = (what: string) => events.some((event) => event.startsWith(what));
    if ((sendToAuthors && reports("build-")) || (sendToWorkerOwners && reports("worker-"))) return;
    const message = "must have an address, or sendToAuthors must be true for builds: no one would get any mail";
    ctx.addIssue({ code: "custom", path: ["to"], message });
  });

/** Sends mail over SMTP: one for each event, in a thread for each builder and branch. */
export default defineReporter({
  type: "mail",
  options,
  events: usual,
  contextOf: (event) =>
    event.build ? `builder ${event.build.builderid} ${event.build.sources[0]?.branch ?? ""}` : contextOfOther(event),
  check: checkTemplate,
  warnings: ({ smtp }) =>
    smtp.password !== undefined && smtp.security === "none"
      ? [{ path: ["smtp", "security"], sentence: 'sends the password unencrypted; use "starttls" or "tls"' }]
      : [],
  open(ctx, opts) {
    const transport = ctx.preview ? previewTransport(ctx.preview) : openTransport(opts.smtp);
    const secrets = opts.smtp.password === undefined ? [] : [opts.smtp.password];
    const domain = opts.from.split("@").at(-1)?.replace(/>.*$/, "") ?? "localhost";
    return {
      async send(report, { id, memory, remember, skip }) {
        const facts = await readFacts(report, ctx.cluster.name, opts.logLines);
        const { to, wrong, whyNone } = await findRecipients(facts, opts);
        if (whyNone !== undefined) return skip(whyNone);
        const message = makeMessage(facts, opts.message ?? htmlMessage, secrets);
        const messageId = `<${id.replaceAll(/[^\w.-]+/g, "-")}@${domain}>`;
        const threadId = memory ?? messageId;
        const refused = await transport.send({
          from: opts.from,
          to: [...to],
          // A header is one line.
          subject: [opts.subject ?? "", message.subject].join(" ").trim().replaceAll(/\s+/g, " "),
          text: message.text,
          html: message.html,
          // The same in each attempt: most mail servers drop what they have already.
          messageId,
          ...(threadId !== messageId && { inReplyTo: threadId, references: threadId }),
          headers: {
            "Auto-Submitted": "auto-generated",
            "X-Multimaster-Event": report.event,
            ...(report.build && { "X-Multimaster-Builder": report.build.builder }),
          },
        });
        if (wrong.length > 0)
          ctx.log.warn(
            { reporter: ctx.name },
            `"${message.subject}" is not sent to ${wrong.join(", ")}: no mail address`,
          );
        if (refused.length > 0)
          ctx.log.warn(
            { reporter: ctx.name, refused },
            `the mail server takes "${message.subject}", but not for ${refused.join(", ")}`,
          );
        remember(threadId);
      },
      close: () => transport.close(),
    };
  },
});
