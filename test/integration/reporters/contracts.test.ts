import { readFileSync } from "node:fs";
import { Results } from "@multimaster/core";
import type { Report } from "@multimaster/plugins";
import { secretsOf } from "@multimaster/plugins/reporters/messages/hide-secrets";
import { describe, expect, it } from "vitest";
import { makeCertificate, type TestCertificate } from "../../harness/certificate.ts";
import { chats } from "../../harness/contracts/chats.ts";
import { forges } from "../../harness/contracts/forges.ts";
import { gerrits } from "../../harness/contracts/gerrit.ts";
import { programs } from "../../harness/contracts/programs.ts";
import { pullRequests } from "../../harness/contracts/pull-requests.ts";
import { type ReportTarget, startReportTarget } from "../../harness/report-target.ts";
import { reportOf, sendReport } from "../../harness/reports.ts";
import { type Contract, startStrictTarget } from "../../harness/strict-target.ts";

const contracts = [...forges, ...pullRequests, ...gerrits, ...chats, ...programs];

/** Everything that a build may contain, longer than any target takes it and in the marks of all of them. */
function largest(contract: Contract): Report {
  const hostile = "@all @channel @here @**all** <!channel> <@U1> [a](https://evil.example) </pre><b> ``` `` 👩‍🚀 ";
  const long = hostile.repeat(300);
  const { build, ...report } = reportOf(Results.FAILURE, contract.properties);
  const steps = Array.from({ length: 40 }, (_, i) => ({
    stepid: i,
    number: i,
    name: `step ${i} ${hostile}`,
    results: Results.FAILURE,
    state: long,
    startedAt: 1,
    completeAt: 2,
    urls: [],
    logs: [{ logid: i, name: "stdio", slug: "stdio", lines: 1000 }],
  }));
  const failingTests = Array.from({ length: 300 }, (_, i) => ({
    name: `test ${i} ${long}`,
    path: `src/a file ${i}.ts`,
    line: i,
    value: long,
  }));
  const changes = Array.from({ length: 60 }, (_, i) => ({
    changeid: i,
    author: hostile,
    revision: null,
    comments: long,
    link: null,
    files: [long],
  }));
  return {
    ...report,
    build: build && { ...build, builder: `${hostile}${"b".repeat(400)}`, state: long, reason: long, worker: hostile },
    details: async () => ({ steps, changes, failingTests }),
    changes: async () => changes,
    logTail: async () => `${long}\n`.repeat(50),
  };
}

/** A build whose steps have printed these texts, and put them wherever they can. */
function leaking(contract: Contract, planted: readonly string[]): Report {
  const leak = `with ${planted.join(" and ")}.`;
  const { build, ...report } = reportOf(Results.FAILURE, contract.properties);
  const properties = { ...build?.properties, leak, deep: { list: [leak] } };
  return {
    ...report,
    build: build && { ...build, state: leak, reason: leak, properties, worker: leak, authors: [leak] },
    async details() {
      const { steps, changes, failingTests } = await report.details();
      return {
        steps: steps.map((step) => ({
          ...step,
          name: leak,
          state: leak,
          urls: [{ name: leak, url: `https://x/${leak}` }],
        })),
        changes: changes.map((change) => ({ ...change, author: leak, comments: leak, files: [leak] })),
        failingTests: failingTests.map((test) => ({ ...test, name: leak, value: leak })),
      };
    },
    changes: async () => [],
    logTail: async () => leak,
  };
}

/** What a target answers that is in trouble, whatever it is. */
const troubles: readonly {
  readonly name: string;
  readonly answer: (contract: Contract) => ReturnType<Parameters<ReportTarget["answer"]>[0]>;
  readonly sentence: RegExp;
  readonly failure: (contract: Contract) => object;
}[] = [
  {
    name: "too many requests",
    answer: ({ limited }) => limited,
    sentence: /limits the rate/,
    failure: ({ limitMs }) => ({ of: "target", retryAfterMs: limitMs }),
  },
  {
    name: "a login or webhook that was revoked",
    answer: ({ revoked }) => revoked,
    sentence: /refuses the credentials \(401\): are they revoked|is it removed, or wrong\?|is it deleted, or wrong\?/,
    failure: () => ({ of: "target" }),
  },
  {
    name: "a fault of its own",
    answer: () => ({ status: 500, body: "<html>oops</html>" }),
    sentence: /answers 500$/,
    failure: () => ({ of: "target", unsure: true }),
  },
  {
    name: "no answer",
    answer: () => () => undefined,
    sentence: /did not answer within 0\.2 s/,
    failure: () => ({ of: "target", unsure: true }),
  },
  {
    name: "half of an answer",
    answer: () => (response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write('{"half":');
      setImmediate(() => response.destroy());
    },
    sentence: /broke the connection off/,
    failure: () => ({ of: "target", unsure: true }),
  },
];

/** No sentence that an operator reads shows a login, or the address of a webhook. */
const secrets = /s3cret|t0ken|pa55|k3y|a long secret/;

describe.each(contracts)("$kind", (contract) => {
  const send = (target: ReportTarget, report: Report, more: Parameters<typeof sendReport>[2] = {}, options = {}) =>
    sendReport(contract.reporter(target.url, options), report, more);

  it("gets what its documentation describes and nothing else, of small builds and of the largest", async () => {
    const target = await startStrictTarget(contract);
    for (const results of [null, Results.SUCCESS, Results.FAILURE, Results.CANCELLED])
      await send(target, reportOf(results, contract.properties), { id: `test-7-${results}` });
    await send(target, largest(contract));
    expect(target.wrong).toEqual([]);
    expect(target.kept.size).toBeGreaterThan(0);
    expect(JSON.stringify([...target.kept.values()])).not.toMatch(secrets);
  });

  it(`shows a report ${contract.shown === 1 ? "once" : "twice"} whose first attempt arrived without an answer`, async () => {
    const target = await startStrictTarget(contract);
    target.answer((call) => {
      const answer = target.decide(call);
      return call.method === "GET" ? answer : (response) => response.destroy();
    });
    const report = reportOf(Results.FAILURE, contract.properties);
    await expect(send(target, report)).rejects.toMatchObject({ failure: { of: "target", unsure: true } });
    target.answer(target.decide);
    await send(target, report, { unsure: true });
    expect(target.wrong).toEqual([]);
    expect(target.kept.size).toBe(contract.shown);
    const calm = await startStrictTarget(contract);
    await send(calm, report);
    if (contract.shown === 1) expect([...target.kept.values()]).toEqual([...calm.kept.values()]);
  });

  it("hides the reporter's secrets wherever a build shows them", async () => {
    const target = await startStrictTarget(contract);
    const planted = secretsOf(contract.reporter(target.url).options).filter(({ length }) => length >= 5);
    await send(target, leaking(contract, planted));
    expect(target.wrong).toEqual([]);
    const sent = JSON.stringify(target.calls.map(({ body }) => body));
    expect(planted.filter((secret) => secret !== "application/json" && sent.includes(secret))).toEqual([]);
  });

  it("a dry run shows what would be sent, without a login, and sends nothing", async () => {
    const target = await startStrictTarget(contract);
    const shown: string[] = [];
    await send(target, reportOf(Results.FAILURE, contract.properties), { preview: (what) => void shown.push(what) });
    expect(shown.join("\n")).toMatch(/^(POST|PUT) to 127\.0\.0\.1:\d+(\/\S+)?\n\S/m);
    expect(shown.join("\n")).not.toMatch(secrets);
    expect(target.calls).toEqual([]);
  });

  it.each(troubles)("an operator reads of $name, and nothing secret", async ({ answer, sentence, failure }) => {
    const target = await startReportTarget();
    target.answer(() => answer(contract));
    const sent = send(target, reportOf(Results.FAILURE, contract.properties), {}, { timeout: 0.2 });
    const error = await sent.then(
      () => undefined,
      (reason: Error) => reason,
    );
    expect(error).toMatchObject({ failure: failure(contract) });
    expect(error?.message).toMatch(sentence);
    expect(error?.message).toContain(new URL(target.url).host);
    expect(error?.message).not.toMatch(secrets);
  });

  it("is not sent to whom no known authority vouches for, and is to whom the config does", async () => {
    const certificate = (known ??= makeCertificate());
    const target = await startStrictTarget(contract, certificate);
    const report = reportOf(Results.FAILURE, contract.properties);
    await expect(send(target, report)).rejects.toMatchObject({
      message: expect.stringContaining("has no valid certificate"),
      failure: { of: "target", unsure: false },
    });
    expect(target.calls).toEqual([]);
    await send(target, report, {}, { ca: readFileSync(certificate.certificate, "utf8") });
    expect([target.wrong, target.kept.size]).toEqual([[], 1]);
  });
});

let known: TestCertificate | undefined;

it("a server that repeats the address of a webhook does not show it to those who read why it fails", async () => {
  const target = await startReportTarget();
  target.answer(({ method, path }) => ({ status: 404, body: { message: `Route ${method}:${path} not found` } }));
  const slack = contracts.find(({ kind }) => kind === "slack") as Contract;
  await expect(sendReport(slack.reporter(target.url), reportOf(Results.FAILURE))).rejects.toMatchObject({
    message: `${new URL(target.url).host} takes no reports at this address (404): is it removed, or wrong?: Route POST:/… not found`,
  });
});
