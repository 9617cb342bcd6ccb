import { functionOf } from "@multimaster/config";
import { duration } from "@multimaster/core";
import { z } from "zod";
import { certificatesOption } from "../../web-options.ts";
import { messageShape } from "../messages/message.ts";
import type { MessageFacts } from "../messages/message-facts.ts";
import { reporterShape } from "../reporter-options.ts";

export type Recipients = (facts: MessageFacts) => readonly string[] | Promise<readonly string[]>;
export type AddressOf = (author: string) => string | null | undefined | Promise<string | null | undefined>;

const address = z.string().regex(/^[^\s@\r\n]+@[^\s@\r\n]+$/, "must be a mail address");

export const mailShape = {
  ...reporterShape,
  ...messageShape,
  smtp: z
    .strictObject({
      host: z.string().min(1).describe("The mail server."),
      port: z.int().min(1).max(65_535).default(587).describe("Its port."),
      security: z
        .enum(["tls", "starttls", "none"])
        .default("starttls")
        .describe('"tls" from the beginning, "starttls" (the server must offer it), or "none".'),
      user: z.string().min(1).optional().describe("Login at the server."),
      password: z.string().min(1).optional().describe("Its password."),
      ca: certificatesOption.optional().describe("Certificates to trust instead of those of the system, as PEM."),
      timeout: duration
        .prefault("30s")
        .describe("How long the server may take for an answer; a whole mail may take ten times that."),
    })
    .superRefine(({ user, password }, ctx) => {
      const refuse = (path: string, message: string) => ctx.addIssue({ code: "custom", path: [path], message });
      if (user !== undefined && password === undefined) refuse("password", "must be there beside user");
      if (user === undefined && password !== undefined) refuse("user", "must be there beside password");
    })
    .describe("How the mail server is reached."),
  from: z
    .string()
    .regex(/^.*@.*$/, "must be a mail address, or Name <address>")
    .describe("The sender."),
  to: z
    .union([z.array(address), functionOf<Recipients>("a list of addresses, or a function that returns one")])
    .default([])
    .describe("The recipients, or a function of what is reported that returns them."),
  sendToAuthors: z.boolean().default(false).describe("Whether the authors of the build's changes get it as well."),
  addressOf: functionOf<AddressOf>("a function of an author that returns an address")
    .optional()
    .describe("Finds the address of an author; default: what is in <…>. None: the author gets nothing."),
  sendToWorkerOwners: z
    .boolean()
    .default(true)
    .describe(
      "Whether the addresses that the config names for a worker get what is reported about it (`worker-missing`).",
    ),
  subject: z.string().min(1).optional().describe("Text before each subject, such as [builds]."),
};
