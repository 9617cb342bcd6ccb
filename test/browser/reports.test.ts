import { join } from "node:path";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findSeriousProblems } from "../harness/accessibility.ts";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { makeCertificate } from "../harness/certificate.ts";
import { configFile } from "../harness/cluster.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { type ReportTarget, startReportTarget, type TargetAnswer } from "../harness/report-target.ts";
import { runCommandLine } from "../harness/run-command-line.ts";
import { runMaster } from "../harness/run-master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { waitForTexts } from "./pages.ts";

const config = configFile("test/browser/configs/reports.ts");
const builds = 3;

/** What each target does to reports, and what an operator reads of it. */
const troubles: readonly (readonly [name: string, sentence: RegExp, answer: (() => TargetAnswer) | undefined])[] = [
  [
    "limited",
    /limits the rate: slow down/,
    () => ({ status: 429, headers: { "retry-after": "3600" }, body: "slow down" }),
  ],
  ["faulty", /answers 500: out of disk/, () => ({ status: 500, body: { message: "out of disk" } })],
  ["silent", /did not answer within 1 s/, () => () => undefined],
  [
    "halting",
    /broke the connection off/,
    () => (response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("half");
      setImmediate(() => response.destroy());
    },
  ],
  ["revoked", /refuses the credentials \(401\): are they revoked or expired\?/, () => ({ status: 401, body: {} })],
  [
    "hook",
    /takes no reports at this address \(404\): is it removed, or wrong\?: no_service/,
    () => ({ status: 404, body: "no_service" }),
  ],
  // Its certificate is its own authority: nothing is answered over it.
  ["untrusted", /has no valid certificate/, undefined],
];

const targets = new Map<string, ReportTarget>();
const target = (name: string) => targets.get(name) as ReportTarget;
let browser: Browser;
let master: TestMaster;
let url: string;
let environment: Record<string, string>;

interface Reporter {
  readonly name: string;
  readonly owed: number;
  readonly dead: number;
  readonly sent: number;
  readonly problem: string | null;
  readonly failing_since: number | null;
}

const reporters = async () => (await master.api<{ reporters: Reporter[] }>("reporters?order=name")).body.reporters;
const reporter = async (name: string) => (await reporters()).find((one) => one.name === name) as Reporter;
const run = (...args: string[]) => runMaster(args, { ...environment, MULTIMASTER_URL: url, NO_COLOR: "1" });
/** A command that asks the ui master, in this process: it takes no time to start. */
const ask = (...args: string[]) => runCommandLine({ url, token: "" }, ...args);
/** Builds that arrived, without those of a test. */
const arrived = (name: string) => target(name).calls.map(({ body }) => body?.number ?? body?.attachments[0].title);

beforeAll(async () => {
  const directory = temporaryDirectory("reports");
  for (const [name, , answer] of troubles) {
    targets.set(name, await startReportTarget(name === "untrusted" ? makeCertificate() : undefined));
    if (answer) target(name).answer(answer);
  }
  targets.set("refusing", await startReportTarget());
  target("refusing").answer(() => ({ status: 422, body: { message: "no such project" } }));
  targets.set("fine", await startReportTarget());
  environment = {
    XDG_CONFIG_HOME: directory,
    TARGETS: JSON.stringify(Object.fromEntries([...targets].map(([name, one]) => [name, `${one.url}/s3cret`]))),
    UI_PORT: "0",
    DATABASE_URL: `sqlite:${join(directory, "reports.sqlite")}`,
  };
  master = await startMaster({ config, env: environment });
  browser = await launchBrowser();
  url = await master.url();
  await master.waitReady();
  for (let i = 0; i < builds; i++)
    await master.apiPost("forceschedulers/force", "force", { builderNames: ["web"], reason: `the ${i}th` });
});

afterAll(async () => {
  await browser?.close();
  await master?.stop();
});

describe("targets in trouble", () => {
  it("hold up no other, and an operator reads of each in REST, the command line and the page why it fails", async () => {
    await waitFor(() => target("fine").calls.length === builds, { what: "the target that works to have all" });
    await waitFor(
      async () => (await reporters()).filter(({ problem }) => problem !== null).length === troubles.length,
      {
        what: "every other to have failed",
      },
    );
    const { printed } = await ask("report", "list");
    const { page, problems } = await openPage(browser);
    await page.goto(new URL("/reports", url).href);
    const text = async () => (await page.locator("main").textContent()) ?? "";
    // An attempt that is under way changes what a row shows for a moment.
    const saysAll = (shown: string) => troubles.every(([, sentence]) => sentence.test(shown));
    await waitFor(async () => saysAll(await text()), { what: "the page to say why each of them fails" });
    const shown = await text();
    for (const [name, sentence] of troubles) {
      expect(await reporter(name)).toMatchObject({
        owed: builds,
        sent: 0,
        dead: 0,
        problem: expect.stringMatching(sentence),
        failing_since: expect.any(Number),
      });
      expect(printed.split("\n").find((line) => line.startsWith(`${name}\t`))).toMatch(sentence);
    }
    expect(await reporter("fine")).toMatchObject({ owed: 0, sent: builds, problem: null });
    expect([printed, shown, master.log()].join("")).not.toContain("s3cret");
    expect(problems()).toEqual([]);
    expect(await findSeriousProblems(page)).toEqual([]);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
  });

  it("a report that is refused is given up, and both the audit and the page show it, on a phone in the dark too", async () => {
    await waitFor(async () => (await reporter("refusing")).dead === builds, { what: "all to be given up" });
    const { page, problems } = await openPage(browser, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
    await page.goto(new URL("/reports", url).href);
    await waitForTexts(page, ["Given up", "no such project"]);
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    expect(await findSeriousProblems(page)).toEqual([]);
    expect(problems()).toEqual([]);
    const { printed } = await ask("report", "list", "refusing");
    expect(
      printed.split("\n").filter((line) => /\tgiven up\t.*refuses the report \(422\): no such project$/.test(line)),
    ).toHaveLength(builds);
    const audit = await run("audit", "--config", config);
    expect(audit.stdout).toMatch(/3 reports were given up\.[\s\S]*report-given-up/);
  });

  it("nothing is lost: once a target works, `retry` sends what it owes, each once", async () => {
    for (const [name] of troubles) {
      if (name === "untrusted") continue;
      const before = target(name).calls.length;
      target(name).answer(() => undefined);
      const { printed, code } = await ask("report", "retry", name);
      // Others may have tried again by themselves meanwhile.
      expect([printed, code]).toEqual([
        expect.stringMatching(name === "limited" ? /^limited sends 3 reports now\.$/m : /sends \d reports? now\.$/m),
        0,
      ]);
      await waitFor(async () => (await reporter(name)).owed === 0, { what: `${name} to owe nothing` });
      const found = arrived(name).slice(before);
      // Messages of one builder are in order; what a program gets of different builds is not.
      expect(name === "hook" ? found : found.toSorted()).toEqual(
        [1, 2, 3].map((number) => (name === "hook" ? `web #${number} fails` : number)),
      );
      expect(await reporter(name)).toMatchObject({ sent: builds, problem: null, failing_since: null });
    }
  });

  it("what was given up is sent again with --dead, or by the button of the page", async () => {
    target("refusing").answer(() => undefined);
    const before = target("refusing").calls.length;
    const { page, problems } = await openPage(browser);
    await page.goto(new URL("/reports", url).href);
    await page.getByRole("button", { name: "Retry", exact: true }).first().click();
    await waitFor(async () => (await reporter("refusing")).dead === builds - 1, { what: "one to be sent" });
    expect((await ask("report", "retry", "refusing")).printed).toBe("refusing sends 0 reports now.\n");
    expect((await ask("report", "retry", "refusing", "--dead")).printed).toBe("refusing sends 2 reports now.\n");
    await waitFor(async () => (await reporter("refusing")).sent === builds, { what: "all to be sent" });
    expect(arrived("refusing").slice(before).toSorted()).toEqual([1, 2, 3]);
    await page.getByRole("heading", { name: "Given up" }).waitFor({ state: "detached" });
    expect(problems()).toEqual([]);
  });
});

describe("master report", () => {
  it("lists reporters as JSON for programs, and says which there are when one is not known", async () => {
    const { printed } = await ask("report", "list", "--json");
    // Node warns on standard error that one process runs so many commands.
    const list = printed.slice(printed.search(/^\[$/m));
    expect((JSON.parse(list) as Reporter[]).map(({ name }) => name).toSorted()).toEqual(
      [...targets.keys(), "mail"].toSorted(),
    );
    const unknown = await ask("report", "retry", "nobody");
    expect([unknown.code, unknown.printed]).toEqual([
      2,
      expect.stringContaining('master: There is no reporter "nobody"; "master report list" lists them.\n'),
    ]);
  });

  it("test sends the report of a build for real, and --dry-run prints it and sends nothing", async () => {
    const { calls } = target("fine");
    const before = calls.length;
    const dry = await run("report", "test", "mail", "--build", "1", "--dry-run", "--config", config);
    expect(dry.stdout).toContain("To: team@example.org\nSubject: web #1 fails\n");
    expect(dry.stdout).toContain("expected 3, got 4");
    const push = await run("report", "test", "fine", "--build", "1", "--dry-run", "--config", config);
    expect(push.stdout).toMatch(/^POST to 127\.0\.0\.1:\d+\n/);
    expect(push.stdout).not.toContain("s3cret");
    expect(calls).toHaveLength(before);
    const sent = await run("report", "test", "fine", "--build", "1", "--config", config);
    expect([sent.code, sent.stdout]).toEqual([0, "fine sent its report of build 1.\n"]);
    expect(calls.slice(before).map(({ body }) => body.buildid)).toEqual([1]);
    // Nothing of it is written down.
    expect((await reporter("fine")).sent).toBe(builds);
  });

  it("test says in one sentence why it was not sent", async () => {
    const test = (...args: string[]) => run("report", "test", ...args, "--config", config);
    const failed = await test("mail", "--build", "1");
    expect(failed.code).toBe(3);
    expect(failed.stderr).toMatch(/^master: The report of "mail" was not sent: 127\.0\.0\.1: .*ECONNREFUSED.*\n$/);
    expect((await test("nobody", "--build", "1")).stderr).toMatch(/has no reporter "nobody" \(have: .*fine.*\)/);
    expect((await test("fine", "--build", "99")).stderr).toBe("master: There is no build 99.\n");
  });

  it("a template that fails is found by check-config, with the builds that it fails for", async () => {
    const good = await run("check-config", "--config", config);
    expect([good.code, good.stdout]).toEqual([0, expect.stringContaining("10 reporters.")]);
    const { code, stderr } = await runMaster(["check-config", "--config", config], { ...environment, BROKEN: "1" });
    expect(code).toBe(2);
    expect(stderr).toContain("reporters[9].message: the template fails for a build that passed");
    expect(stderr).not.toContain("fails for a build that failed");
  });
});
