import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { makeCertificate } from "./certificate.ts";
import { onCleanup } from "./cleanup.ts";

export interface ReceivedMail {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly user: string | undefined;
  readonly isEncrypted: boolean;
}

/** The real SMTP server of the package `smtp-server`: TLS from STARTTLS on, and a login; as a relay neither. */
export async function startMailServer(options: { refuse?: string; isRelay?: boolean } = {}) {
  const files = makeCertificate();
  const [key, cert] = [files.key, files.certificate].map((file) => readFileSync(file, "utf8"));
  const received: ReceivedMail[] = [];
  const server = new SMTPServer({
    ...(key && { key }),
    ...(cert && { cert }),
    ...(options.isRelay === true ? { authOptional: true, disabledCommands: ["STARTTLS", "AUTH"] } : {}),
    authMethods: ["PLAIN", "LOGIN"],
    onAuth({ username, password }, _, done) {
      if (username === "builds" && password === "pa55word") return done(null, { user: username });
      done(new Error("Invalid username or password"));
    },
    onRcptTo({ address }, _, done) {
      if (address === options.refuse) return done(Object.assign(new Error("no such user"), { responseCode: 550 }));
      done();
    },
    onData(stream, session, done) {
      const pieces: Buffer[] = [];
      stream.on("data", (piece: Buffer) => pieces.push(piece));
      stream.on("end", () => {
        const { mailFrom, rcptTo } = session.envelope;
        received.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          text: Buffer.concat(pieces).toString("utf8").replaceAll("\r\n ", " "),
          user: session.user,
          isEncrypted: session.secure,
        });
        done();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onCleanup(() => new Promise((resolve) => server.close(resolve)));
  const { port } = server.server.address() as AddressInfo;
  const smtp = { host: "127.0.0.1", port, user: "builds", password: "pa55word", ca: cert };
  return { received, smtp };
}
