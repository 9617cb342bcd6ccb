import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { Results } from "@multimaster/core";
import mail from "@multimaster/plugins/reporters/mail";
import { SMTPServer } from "smtp-server";
import { expect, it } from "vitest";
import { makeCertificate } from "../../harness/certificate.ts";
import { onCleanup } from "../../harness/cleanup.ts";
import { reportOf, sendReport, workerReport } from "../../harness/reports.ts";

interface Received {
  readonly from: string;
  readonly to: readonly string[];
  readonly text: string;
  readonly user: string | undefined;
  readonly isEncrypted: boolean;
}

/** The real SMTP server of the package `smtp-server`: TLS from STARTTLS on, and a login. */
async function startMailServer(options: { refuse?: string } = {}) {
  const files = makeCertificate();
  const [key, cert] = [files.key, files.certificate].map((file) => readFileSync(file, "utf8"));
  const received: Received[] = [];
  const server = new SMTPServer({
    ...(key && { key }),
    ...(cert && { cert }),
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

it("mail arrives over TLS with a login, for authors and others, and in the thread of its builder", async () => {
  const { received, smtp } = await startMailServer();
  const reporter = mail({
    name: "mail",
    smtp,
    from: "Builds <builds@ci.example.org>",
    to: ({ build }) => [`${build?.builder}@example.org`],
    sendToAuthors: true,
    subject: "[ci]",
  });
  let thread: string | undefined;
  await sendReport(reporter, reportOf(Results.FAILURE), { remember: (value) => (thread = value) });
  await sendReport(reporter, reportOf(Results.SUCCESS), { id: "test-7-2", memory: thread });
  expect(received.map(({ from, to, user, isEncrypted }) => [from, to, user, isEncrypted])).toEqual([
    ["builds@ci.example.org", ["web@example.org", "ann@example.org"], "builds", true],
    ["builds@ci.example.org", ["web@example.org", "ann@example.org"], "builds", true],
  ]);
  expect(received[0]?.text).toContain("Subject: [ci] web #81 fails now on main");
  expect(received[0]?.text).toContain("Message-ID: <test-7-1@ci.example.org>");
  expect(received[0]?.text).toContain("expected [1, 2]");
  expect(received[0]?.text).not.toContain("References:");
  expect(received[1]?.text).toContain("References: <test-7-1@ci.example.org>");
  expect(received[1]?.text).toContain("Auto-Submitted: auto-generated");
  expect(received.map(({ text }) => text).join("")).not.toContain("pa55word");
});

it("the owner of a missing worker gets mail, and a build that concerns no one makes none", async () => {
  const { received, smtp } = await startMailServer();
  const reporter = mail({ name: "mail", smtp, from: "ci@example.org", events: ["worker-missing"] });
  await sendReport(reporter, workerReport());
  await sendReport(reporter, reportOf(Results.FAILURE));
  expect(received.map(({ to }) => to)).toEqual([["owner@example.org"]]);
  expect(received[0]?.text).toContain("Subject: Worker linux-1 is missing");
});

it("a mail of which the server refuses one recipient arrives for the others", async () => {
  const { received, smtp } = await startMailServer({ refuse: "gone@example.org" });
  const to = ["a@example.org", "gone@example.org"];
  await sendReport(mail({ name: "mail", smtp, from: "ci@example.org", to }), reportOf(Results.FAILURE));
  expect(received.map((one) => one.to)).toEqual([["a@example.org"]]);
});

it("says why mail does not get through: login, certificate, recipient", async () => {
  const { smtp } = await startMailServer({ refuse: "gone@example.org" });
  const from = "ci@example.org";
  const sendWith = (more: object, to = ["a@example.org"]) =>
    sendReport(mail({ name: "mail", smtp: { ...smtp, ...more }, from, to }), reportOf(Results.SUCCESS));
  await expect(sendWith({ password: "wrong one" })).rejects.toMatchObject({
    message: expect.stringContaining("127.0.0.1 refuses the login"),
    failure: { of: "target" },
  });
  const { ca: _, ...untrusted } = smtp;
  await expect(
    sendReport(mail({ name: "mail", smtp: untrusted, from, to: ["a@example.org"] }), reportOf(Results.SUCCESS)),
  ).rejects.toMatchObject({ message: expect.stringMatching(/certificate/), failure: { of: "target" } });
  await expect(sendWith({}, ["gone@example.org"])).rejects.toMatchObject({
    message: expect.stringContaining("127.0.0.1 refuses the mail"),
    failure: { of: "report" },
  });
});
