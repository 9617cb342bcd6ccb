import { readFileSync } from "node:fs";
import { describeIssue, type PluginDescriptor } from "@multimaster/config";
import { type ReportKind, reportEvents } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import { findUnclear } from "../damaged-options.ts";
import type { ReporterDefinition } from "../define-reporter.ts";
import gerritChecks from "./gerrit-checks.ts";
import gerritReview from "./gerrit-review.ts";
import gitHubChecks from "./github-checks.ts";
import gitHubLabels from "./github-labels.ts";
import gitHubStatus from "./github-status.ts";
import gitLabComment from "./gitlab-comment.ts";
import httpPush from "./http-push.ts";
import mail from "./mail.ts";
import openTelemetry from "./opentelemetry.ts";
import slack from "./slack.ts";

const common = {
  name: "r",
  builders: ["w*"],
  tags: ["main"],
  branches: ["release-*"],
  schedulers: ["push"],
  authors: ["*@example.org*"],
  properties: { release: "1.*", env: ["a", "b"] },
  modes: ["problem", "fixed"],
  muted: "report",
  filter: () => true,
  giveUpAfter: "1d",
  attempts: 3,
  parallel: 2,
};
const choice = { ...common, timeout: "10s", ca: "-----BEGIN CERTIFICATE-----" };
const steps: { events: ReportKind[]; steps: string[]; waitingAfter: string } = {
  events: ["build-ended", "step-ended", "request-waiting"],
  steps: ["deploy*"],
  waitingAfter: "10m",
};
const gitHub = { ...choice, apiUrl: "https://api.example.org", token: "t0ken" };
const commit = { context: "ci/{builder}", description: () => "d", codebase: "c", repositories: ["*/own/*"] };
const message = { message: () => ({ subject: "s", text: "t" }), logLines: 5 };

/** A value for every option: each of them, and of what they contain, is replaced by wrong ones. */
const kinds: Record<string, { make(options: never): PluginDescriptor<"reporter">; options: object }> = {
  "http-push": {
    make: httpPush,
    options: {
      ...choice,
      ...steps,
      url: "https://example.org",
      method: "PUT",
      headers: { a: "b" },
      secret: "12345678",
      format: "cloudevents",
      body: () => null,
    },
  },
  mail: {
    make: mail,
    options: {
      ...common,
      ...steps,
      ...message,
      smtp: {
        host: "mail.example.org",
        port: 25,
        security: "tls",
        user: "u",
        password: "p",
        ca: "-----BEGIN CERTIFICATE-----",
        timeout: "9s",
      },
      from: "CI <ci@example.org>",
      to: ["a@example.org"],
      sendToAuthors: true,
      addressOf: () => "b@example.org",
      sendToWorkerOwners: false,
      subject: "[ci]",
    },
  },
  "github-checks": { make: gitHubChecks, options: { ...gitHub, ...commit, ...message, rerunButton: false } },
  "github-labels": { make: gitHubLabels, options: { ...gitHub, labels: { passed: "a", failed: "b" }, more: () => [] } },
  "gitlab-comment": {
    make: gitLabComment,
    options: { ...choice, ...message, url: "https://gitlab.example.org", token: "t" },
  },
  "gerrit-checks": {
    make: gerritChecks,
    options: { ...choice, url: "https://gerrit.example.org", user: "u", password: "p", checker: "ci:{builder}" },
  },
  "gerrit-review": {
    make: gerritReview,
    options: {
      ...choice,
      url: "https://gerrit.example.org",
      user: "u",
      password: "p",
      label: "Verified",
      comments: true,
      vote: () => 1,
    },
  },
};

const schemaOf = (make: (options: never) => PluginDescriptor<"reporter">, options: object) =>
  make(options as never).plugin.options as z.ZodType;

describe("wrong options are answered in sentences by", () => {
  it.each(Object.keys(kinds))("%s", (kind) => {
    const { make, options } = kinds[kind] as (typeof kinds)[string];
    const schema = schemaOf(make, options);
    expect(schema.safeParse(options).error).toBeUndefined();
    expect(Object.keys(options).sort()).toEqual(
      Object.keys((schema as z.ZodObject).shape)
        .filter((name) => name in options || !["events", "steps", "waitingAfter", "app"].includes(name))
        .sort(),
    );
    expect(findUnclear(schema, options)).toEqual([]);
  });
});

describe("what cannot be chosen is refused:", () => {
  const chat = { name: "r", url: "https://example.org" };
  const status = { name: "r", token: "t0ken" };
  const letter = { name: "r", smtp: { host: "h" }, from: "ci@example.org" };
  const noOne = "to: must have an address, or sendToAuthors must be true for builds: no one would get any mail";
  it.each<[string, (options: never) => PluginDescriptor<"reporter">, object, string[]]>([
    [
      "steps without names",
      slack,
      { ...chat, events: ["step-ended"] },
      [
        'steps: must have the names of the steps that are reported, such as ["deploy*"], for the events "step-started" and "step-ended"',
      ],
    ],
    [
      "names of steps without their events",
      slack,
      { ...chat, steps: ["a"] },
      ['steps: belongs beside "step-started" or "step-ended" in events'],
    ],
    [
      "a wait without its event",
      slack,
      { ...chat, waitingAfter: "1h" },
      ['waitingAfter: belongs beside "request-waiting" in events'],
    ],
    [
      "a wait that is too short",
      slack,
      { ...chat, events: ["request-waiting"], waitingAfter: "1s" },
      ["waitingAfter: must be at least 10 s"],
    ],
    [
      "all and others",
      slack,
      { ...chat, modes: ["all", "failing"] },
      ['modes: must not have "all" beside other modes: it has all of them'],
    ],
    [
      "an event twice",
      slack,
      { ...chat, events: ["build-ended", "build-ended"] },
      ['events[1]: must not name "build-ended" twice'],
    ],
    [
      "an event that is none of a commit",
      gitHubStatus,
      { ...status, events: ["build-ended", "worker-missing"] },
      ["events[1]: must be build-started or build-ended: github-status reports nothing else"],
    ],
    [
      "an unknown event",
      slack,
      { ...chat, events: ["build-finished"] },
      [expect.stringMatching(/^events\[0\]: must be one of .*"build-ended"/) as never],
    ],
    [
      "an unknown mode",
      slack,
      { ...chat, modes: ["failed"] },
      [expect.stringMatching(/^modes\[0\]: must be one of .*"failing"/) as never],
    ],
    [
      "one label for two states",
      gitHubLabels,
      { ...status, labels: { passed: "a", failed: "A" } },
      ["labels: must be different: a label stands for one state"],
    ],
    [
      "a checker that Gerrit cannot have",
      gerritChecks,
      { ...chat, user: "u", password: "p", checker: "{builder}" },
      ['checker: must be scheme:id, of letters, digits, ".", "_" and "-", such as "multimaster:{builder}"'],
    ],
    ...([httpPush, openTelemetry] as const).map(
      (make): [string, (options: never) => PluginDescriptor<"reporter">, object, string[]] => [
        `headers that cannot be sent by ${make({ name: "r", url: "https://example.org" }).plugin.type}`,
        make,
        { ...chat, headers: { "Bad Header": "x\ny", "Content-Length": "5", "X-Fine": "fine" } },
        [
          "headers.Bad Header: must have the name of a header: letters, digits and -, such as X-Build",
          "headers.Bad Header: must be one line, of characters that a header can have (ASCII or Latin-1)",
          "headers.Content-Length: must not be given: it follows from what is sent",
        ],
      ],
    ),
    [
      "a token with a line break",
      gitHubStatus,
      { ...status, token: "t0ken\n" },
      ["token: must be one line of ASCII, without spaces or line breaks at its ends"],
    ],
    [
      "an address of no web",
      slack,
      { name: "r", url: "ftp://example.org" },
      ["url: must be a URL, such as https://example.org/"],
    ],
    ["a mail to no one", mail, letter, [noOne]],
    [
      "a mail to authors of no build",
      mail,
      { ...letter, sendToAuthors: true, events: ["worker-missing"], sendToWorkerOwners: false },
      [noOne],
    ],
    [
      "names of files instead of what they contain",
      gitHubStatus,
      { name: "r", app: { id: 1, privateKey: "/etc/app.PRIVATE KEY" }, ca: "/etc/ssl/own.pem" },
      [
        "ca: must be certificates as PEM: what such a file contains",
        "app.privateKey: must be an RSA private key as PEM: what its file contains",
      ],
    ],
    [
      "half a login of mail",
      mail,
      { ...letter, to: ["a@example.org"], smtp: { host: "h", user: "u" } },
      ["smtp.password: must be there beside user"],
    ],
    [
      "the other half of a login of mail, and a sender of two lines",
      mail,
      {
        ...letter,
        to: ["a@example.org"],
        from: "ci@example.org\r\nBcc: b@example.org",
        smtp: { host: "h", password: "p" },
      },
      ["smtp.user: must be there beside password", "from: must be a mail address, or Name <address>"],
    ],
    ["no label", gitHubLabels, { ...status, labels: {} }, ["labels: must have at least one label"]],
  ])("%s", (_, make, options, wanted) => {
    const schema = schemaOf(make, options);
    const issues = schema.safeParse(options).error?.issues ?? [];
    expect(issues.flatMap((issue) => describeIssue(issue, schema, options))).toEqual(wanted);
  });
});

it("a template is tried with what its reporter reports, and with nothing else", async () => {
  const message = ({ build }: { readonly build?: { readonly builder: string } | undefined }) => ({
    subject: (build as { builder: string }).builder,
    text: "",
  });
  const check = (events?: ReportKind[]) => {
    const { plugin, options } = slack({ name: "r", url: "https://example.org", message, ...(events && { events }) });
    return (plugin as unknown as ReporterDefinition).check?.(options as never);
  };
  expect(await check()).toEqual([]);
  const webhook = "https://hooks.example.org/services/T0123456/abcdef0123456789";
  const checkOne = (template: () => unknown) => {
    const { plugin, options } = slack({ name: "r", url: webhook, message: template as never });
    return (plugin as unknown as ReporterDefinition).check?.(options as never);
  };
  // What it throws may have any secret, and is said once.
  const boom = () => {
    throw new Error(`boom ${webhook}`);
  };
  expect(await checkOne(boom)).toEqual([
    expect.stringMatching(/^\.message: the template fails for [^:]+: boom https:\/\/hooks\.example\.org…$/),
  ]);
  expect(await checkOne(async () => ({}))).toEqual([
    expect.stringMatching(/: it returned a promise: a template must not be async$/),
  ]);
  expect(await checkOne(() => 1)).toEqual([
    expect.stringMatching(/: it must return \{ subject, text \} \(Invalid input: expected object, received number\)$/),
  ]);
  expect(await check(["build-ended", "worker-missing"])).toEqual([
    expect.stringMatching(/^\.message: the template fails for a missing worker: /),
  ]);
});

it("no reporter has an event by default that floods its target", () => {
  const usual = [...new Set(Object.values(kinds).flatMap(({ make, options }) => eventsOf(make(options as never))))];
  expect(usual.sort()).toEqual(["build-ended", "build-started"]);
});

it("every event is documented with who reacts, in its order", () => {
  const docs = readFileSync(new URL("../../../../docs/reporters.md", import.meta.url), "utf8");
  const rows = [...docs.matchAll(/^\| `([a-z-]+)` \| (.*) \|$/gm)].map(([, event, sentence]) => [event, sentence]);
  expect(rows.filter(([event]) => (event as string) in reportEvents)).toEqual(Object.entries(reportEvents));
});

const eventsOf = ({ plugin }: PluginDescriptor<"reporter">) => (plugin as unknown as ReporterDefinition).events;
