import { describeCause } from "@multimaster/core";
import type { SendMailOptions } from "nodemailer";
import { ReportFailure } from "../../define-reporter.ts";

export interface SmtpOptions {
  readonly host: string;
  readonly port: number;
  readonly security: "tls" | "starttls" | "none";
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly ca?: string | undefined;
  readonly timeout: number;
}

export interface MailTransport {
  /** Returns the recipients that the server refused, while others get the mail. */
  send(mail: SendMailOptions): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** Sends over SMTP, one connection for each mail: reports are few, and nothing is left open. */
export function openTransport({ host, port, security, user, password, ca, timeout }: SmtpOptions): MailTransport {
  // Imported when the first mail is sent: no other reporter needs it.
  const transport = async () => {
    const { createTransport } = await import("nodemailer");
    return createTransport({
      host,
      port,
      secure: security === "tls",
      requireTLS: security === "starttls",
      ignoreTLS: security === "none",
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(ca !== undefined && { tls: { ca } }),
      ...(user !== undefined && { auth: { user, pass: password ?? "" } }),
    });
  };
  return {
    async send(mail) {
      try {
        const { rejected } = await (await transport()).sendMail(mail);
        return rejected.map(String);
      } catch (error) {
        throw judge(host, error);
      }
    },
    close: async () => undefined,
  };
}

/** Shows what would be sent. */
export function previewTransport(show: (what: string) => void): MailTransport {
  return {
    async send({ from, to, subject, text }) {
      show(`From: ${from}\nTo: ${[to].flat().join(", ")}\nSubject: ${subject}\n\n${text}`);
      return [];
    },
    close: async () => undefined,
  };
}

/** Greylisting refuses a mail for minutes: the usual waits between attempts would end before. */
const laterMs = 10 * 60_000;
/** A server locks out a client that keeps sending a wrong password, and only an operator can mend it. */
const credentialsMs = 10 * 60_000;
/** The server takes no mail now, and closes the connection. */
const unavailable = 421;

function judge(host: string, error: unknown): ReportFailure {
  const {
    code = "",
    responseCode = 0,
    command = "",
  } = error as {
    code?: string;
    responseCode?: number;
    command?: string;
  };
  const said = describeCause(error);
  if (code === "EAUTH")
    return new ReportFailure(
      `${host} refuses the login: ${said}`,
      // 4xx: the server cannot check it now.
      { of: "target", ...(!(responseCode >= 400 && responseCode < 500) && { retryAfterMs: credentialsMs }) },
      { cause: error },
    );
  // Of this mail or its recipients: 4xx may pass, 5xx will not.
  const isOfMail = code === "EENVELOPE" || code === "EMESSAGE";
  if (isOfMail && responseCode >= 400 && responseCode !== unavailable)
    return new ReportFailure(
      `${host} refuses the mail: ${said}`,
      { of: "report", ...(responseCode < 500 && { retryAfterMs: laterMs }) },
      { cause: error },
    );
  // After DATA the server may have taken it without being able to say so.
  const unsure = command === "DATA" || code === "ETIMEDOUT";
  return new ReportFailure(`${host}: ${said}`, { of: "target", unsure }, { cause: error });
}
