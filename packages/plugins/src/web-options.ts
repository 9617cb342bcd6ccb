import { z } from "zod";

/** An address of the web. */
export const webUrl = z.url({ protocol: /^https?$/ });

/** What stands in a header is one line: a secret that was read from a file often ends with a line break. */
const line = /^[\t\x20-\x7e\x80-\xff]*$/;
const headerName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
/** They follow from what is sent. */
const ownHeaders: ReadonlySet<string> = new Set(["content-length", "transfer-encoding"]);

/** Headers of a request, by name. */
export const headersOption = z.record(z.string(), z.string()).superRefine((headers, ctx) => {
  const refuse = (name: string, message: string) => ctx.addIssue({ code: "custom", path: [name], message });
  for (const [name, value] of Object.entries(headers)) {
    if (!headerName.test(name)) refuse(name, "must have the name of a header: letters, digits and -, such as X-Build");
    else if (ownHeaders.has(name.toLowerCase())) refuse(name, "must not be given: it follows from what is sent");
    if (!line.test(value)) refuse(name, "must be one line, of characters that a header can have (ASCII or Latin-1)");
  }
});

/** A token that is sent in a header. */
export const tokenOption = z
  .string()
  .min(1)
  .regex(/^([!-~]([ -~]*[!-~])?)?$/, "must be one line of ASCII, without spaces or line breaks at its ends");

/** Certificates as the contents of a file: its name is a common mistake, and would fail each connection. */
export const certificatesOption = z
  .string()
  .refine(
    (text) => text.includes("-----BEGIN CERTIFICATE-----"),
    "must be certificates as PEM: what such a file contains",
  );
