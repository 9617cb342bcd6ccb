import { Results } from "@multimaster/core";
import mail from "@multimaster/plugins/reporters/mail";
import { expect, it } from "vitest";
import { startMailServer } from "../../harness/mail-server.ts";
import { reportOf, sendReport, workerReport } from "../../harness/reports.ts";

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
