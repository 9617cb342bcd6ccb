import { type AddressInfo, createServer, type Socket } from "node:net";
import { Results } from "@multimaster/core";
import type { ReportedChange } from "@multimaster/data";
import type { Report } from "@multimaster/plugins";
import mail from "@multimaster/plugins/reporters/mail";
import { expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { startMailServer } from "../../harness/mail-server.ts";
import { reportOf, sendReport, workerReport } from "../../harness/reports.ts";
import { waitFor } from "../../harness/wait-for.ts";

const { worker } = workerReport();
const unowned = worker && { ...worker, notify: [] };

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

it("a subject of several lines is one line of a mail, whether it comes from the options or a template", async () => {
  const { received, smtp } = await startMailServer();
  const message = () => ({ subject: " broken\r\nX-Evil: 1\u2028\n ", text: "t" });
  const subject = "[ci]\r\nBcc: c@example.org";
  const reporter = mail({ name: "mail", smtp, from: "ci@example.org", to: ["a@example.org"], subject, message });
  await sendReport(reporter, reportOf(Results.FAILURE));
  expect(received.map(({ to }) => to)).toEqual([["a@example.org"]]);
  expect(received[0]?.text.split("\r\n")).toContain("Subject: [ci] Bcc: c@example.org broken X-Evil: 1");
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

it("a mail for no one is skipped with the reason; one for what is no address is given up", async () => {
  const { received, smtp } = await startMailServer();
  const about = reportOf(Results.FAILURE);
  const [change] = await about.changes();
  const by = (...authors: string[]): Report => {
    const changes = authors.map((author) => ({ ...change, author }) as ReportedChange);
    return { ...about, changes: async () => changes, details: async () => ({ ...(await about.details()), changes }) };
  };
  const skipped = async (more: object, report = by()): Promise<string | undefined> => {
    let why: string | undefined;
    const skip = (reason: string) => void (why = reason);
    await sendReport(mail({ name: "mail", smtp, from: "ci@example.org", ...more }), report, { skip });
    return why;
  };
  expect(await skipped({ sendToAuthors: true }, by("ann", "Bob"))).toBe(
    'no one is to get it: `to` names no one; no author has a mail address: "ann", "Bob"',
  );
  expect(await skipped({ sendToAuthors: true })).toContain("there is no change, so no author");
  expect(await skipped({ sendToAuthors: true, addressOf: () => null }, by("ann"))).toContain("no author has");
  expect(await skipped({ to: () => [] })).toBe('no one is to get it: the function "to" of the config names no one');
  expect(await skipped({ events: ["worker-missing"] }, { ...workerReport(), worker: unowned })).toBe(
    "no one is to get it: `to` names no one; the config names no owner of linux-1",
  );
  for (const wrong of [{ to: () => ["ops"] }, { sendToAuthors: true, addressOf: () => "ops" }])
    await expect(skipped(wrong, by("ann"))).rejects.toMatchObject({
      message: 'no recipient has a mail address: "ops"',
      failure: { of: "refused" },
    });
  // What is wrong takes the mail from no one else.
  expect(await skipped({ to: () => ["ops", "a@example.org"], sendToAuthors: true }, by("ann"))).toBeUndefined();
  expect(received.map(({ to }) => to)).toEqual([["a@example.org"]]);
});

it("a server that answers too late, or never to the end, holds a mail up for no longer than the reporter's limit", async () => {
  const open = new Set<Socket>();
  const startSilent = async (say: (socket: Socket) => void) => {
    const server = createServer((socket) => {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
      socket.on("error", () => {});
      say(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    onCleanup(() => void server.close());
    return (server.address() as AddressInfo).port;
  };
  const sendTo = (port: number) =>
    sendReport(
      mail({
        name: "mail",
        smtp: { host: "127.0.0.1", port, security: "none", timeout: 0.3 },
        from: "ci@example.org",
        to: ["a@example.org"],
      }),
      reportOf(Results.SUCCESS),
    );
  await expect(sendTo(await startSilent(() => {}))).rejects.toMatchObject({
    message: expect.stringContaining("127.0.0.1 did not answer within 0.3 s"),
    failure: { of: "target", unsure: false },
  });
  // A byte from time to time: no single wait is too long.
  const trickling = await startSilent((socket) => {
    socket.write("220 mail.example.org\r\n");
    const timer = setInterval(() => socket.write("250-more\r\n"), 100);
    socket.on("close", () => clearInterval(timer));
  });
  await expect(sendTo(trickling)).rejects.toMatchObject({
    message: "127.0.0.1 has not taken the mail within 3 s",
    failure: { of: "target", unsure: true },
  });
  await waitFor(() => open.size === 0, { what: "the end of all connections" });
});

it("says why mail does not get through: login, certificate, recipient", async () => {
  const { smtp } = await startMailServer({ refuse: "gone@example.org" });
  const from = "ci@example.org";
  const sendWith = (more: object, to = ["a@example.org"]) =>
    sendReport(mail({ name: "mail", smtp: { ...smtp, ...more }, from, to }), reportOf(Results.SUCCESS));
  await expect(sendWith({ password: "wrong one" })).rejects.toMatchObject({
    message: expect.stringContaining("127.0.0.1 refuses the login"),
    failure: { of: "target", retryAfterMs: 600_000 },
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
