import { describeCause } from "@multimaster/core";
import type { SendMailOptions } from "nodemailer";
import { ReportFailure } from "../../define-reporter.ts";
import { limitTime } from "../limit-time.ts";

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

/** Answers that a whole mail may wait for: a server that sends a byte from time to time never breaks the limit of a single one. */
const answersOfMail = 10;
/** An attempt has ten minutes. */
const longestMailMs = 9 * 60_000;
/** So long the server may keep the connection open that is closed here. */
const longestCloseMs = 5000;

/** Sends over SMTP, one connection for each mail: reports are few, and nothing is left open. */
export function openTransport({ host, port, security, user, password, ca, timeout }: SmtpOptions): MailTransport {
  const closing = new AbortController();
  // Imported when the first mail is sent: no other reporter needs it.
  const transport = async () => {
    const { createTransport } = await import("nodemailer");
    return createTransport({
      host,
      port,
      secure: security === "tls",
      requireTLS: security === "starttls",
      ignoreTLS: security === "none",
      // Shorter than a silence of the socket, which ends at the same time and cannot tell whether the mail has arrived.
      connectionTimeout: Math.max(timeout - 1, 1),
      greetingTimeout: timeout,
      socketTimeout: timeout,
      dnsTimeout: timeout,
      socketCloseTimeout: Math.min(timeout, longestCloseMs),
      disableFileAccess: true,
      disableUrlAccess: true,
      ...(ca !== undefined && { tls: { ca } }),
      ...(user !== undefined && { auth: { user, pass: password ?? "" } }),
    });
  };
  return {
    async send(mail) {
      const limit = new AbortController();
      const mostMs = Math.min(answersOfMail * timeout, longestMailMs);
      const endLimit = limitTime(mostMs, () => limit.abort());
      try {
        const signal = AbortSignal.any([closing.signal, limit.signal]);
        const { rejected } = await (await transport()).sendMail({ ...mail, signal });
        return rejected.map(String);
      } catch (error) {
        if (limit.signal.aborted)
          throw new ReportFailure(`${host} has not taken the mail within ${mostMs / 1000} s`, {
            of: "target",
            unsure: true,
          });
        throw judge(host, timeout, error);
      } finally {
        endLimit();
      }
    },
    // A mail that is still under way has been waited for.
    close: async () => closing.abort(),
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
/** Limits that come before the mail: it has not arrived. */
const beforeMail: ReadonlySet<string> = new Set(["CONNECT_TIMEOUT", "GREETING_TIMEOUT", "UPGRADE_TIMEOUT"]);
/** The server takes no mail now, and closes the connection. */
const unavailable = 421;

function judge(host: string, timeoutMs: number, error: unknown): ReportFailure {
  const {
    code = "",
    responseCode = 0,
    command = "",
    timeoutType = "",
  } = error as {
    code?: string;
    responseCode?: number;
    command?: string;
    timeoutType?: string;
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
  if (code === "ETIMEDOUT")
    return new ReportFailure(
      `${host} did not answer within ${timeoutMs / 1000} s: ${said}`,
      { of: "target", unsure: !beforeMail.has(timeoutType) },
      { cause: error },
    );
  // After DATA the server may have taken it without being able to say so.
  return new ReportFailure(`${host}: ${said}`, { of: "target", unsure: command === "DATA" }, { cause: error });
}
