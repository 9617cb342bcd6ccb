import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findSeriousProblems } from "../harness/accessibility.ts";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { configFile } from "../harness/cluster.ts";
import { createGitRepository, type TestGitRepository } from "../harness/git-repository.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

const timeLimit = { timeout: 60_000 };

let browser: Browser;
let master: TestMaster;
let repository: TestGitRepository;
let url: string;
let builderIds: Readonly<Record<string, number>>;

/** What the tests of a revision say: pass, fail or skip, and how many seconds they took. */
type Said = Readonly<Record<string, readonly [outcome: "pass" | "fail" | "skip", seconds: number]>>;

const says = {
  pass: "",
  fail: '<failure message="expected 3, got 4">at sum.ts:12 &lt;b&gt;no markup&lt;/b&gt;</failure>',
  skip: "<skipped/>",
} as const;

function report(tests: Said): string {
  const cases = Object.entries(tests).map(
    ([name, [outcome, seconds]]) =>
      `<testcase classname="pkg.Sum" name="${name}" time="${seconds}" file="src/sum.ts" line="7">${says[outcome]}</testcase>`,
  );
  return `<?xml version="1.0"?><testsuites><testsuite name="unit">${cases.join("")}</testsuite></testsuites>`;
}

/** What is committed one after the other, once a first commit that has no tests was built. */
const commits: readonly Said[] = [
  { adds: ["pass", 0.01], wobbles: ["pass", 0.2], breaks: ["pass", 0.1], crawls: ["pass", 95], later: ["skip", 0] },
  { adds: ["pass", 0.01], wobbles: ["fail", 0.2], breaks: ["pass", 0.1], crawls: ["pass", 97], later: ["skip", 0] },
  { adds: ["pass", 0.01], wobbles: ["pass", 0.2], breaks: ["fail", 0.1], crawls: ["pass", 99], later: ["skip", 0] },
];

beforeAll(async () => {
  const directory = temporaryDirectory("test-results");
  // Local workers keep their files beside the config.
  const config = join(directory, "cluster.ts");
  copyFileSync(configFile("test/browser/configs/test-results.ts"), config);
  repository = createGitRepository({ files: { "README.md": "There are no tests yet.\n" } });
  master = await startMaster({
    config,
    env: {
      REPOSITORY: repository.path,
      UI_PORT: "0",
      DATABASE_URL: `sqlite:${join(directory, "results.sqlite")}`,
    },
  });
  browser = await launchBrowser();
  url = await master.url();
  await master.waitReady();
  const { body } = await master.api<{ builders: { builderid: number; name: string }[] }>("builders");
  builderIds = Object.fromEntries(body.builders.map(({ name, builderid }) => [name, builderid]));
  await finished(1);
});

afterAll(async () => {
  await browser?.close();
  await master?.stop();
});

/** Commits what the tests say, and waits for the build of it; returns the revision. */
async function build(tests: Said, number: number): Promise<string> {
  const revision = repository.commit({ files: { "report.xml": report(tests) }, message: `build ${number}` });
  await finished(number);
  return revision;
}

async function finished(number: number): Promise<void> {
  await waitFor(
    async () => {
      const { body } = await master.api<{ builds?: { complete: boolean }[] }>(
        `builders/${builderIds["web"]}/builds/${number}`,
      );
      return body.builds?.some(({ complete }) => complete);
    },
    { what: `build ${number}`, timeoutMs: 60_000 },
  );
}

const text = (page: Page, what: string) => page.getByText(what).first().waitFor(timeLimit);
const panel = (page: Page, title: string) =>
  page.locator(".panel", { has: page.getByRole("heading", { name: title }) });
const row = (page: Page, name: string) => page.getByRole("row", { name: new RegExp(name) });

describe("before any build has reported tests", () => {
  it("the step says that no file is there, and the pages say what to do", async () => {
    const { page, problems } = await openPage(browser);
    await page.goto(new URL("/tests", url).href);
    await text(page, "No build has reported tests yet");
    expect(await findSeriousProblems(page)).toEqual([]);
    await page.goto(new URL(`/builders/${builderIds["web"]}/builds/1?tab=tests`, url).href);
    await text(page, "This build has reported no tests");
    await page.goto(new URL(`/builders/${builderIds["web"]}/builds/1/steps/results`, url).href);
    await page.locator(".log-content", { hasText: "no file in build matches reports/**/*.xml" }).waitFor(timeLimit);
    expect(problems()).toEqual([]);
  });
});

describe("once builds report tests", () => {
  const revisions: string[] = [];
  beforeAll(async () => {
    for (const [i, tests] of commits.entries()) revisions.push(await build(tests, i + 2));
  });

  describe("the tests of a build", () => {
    it("are reported by the step that read them: how many, and in its log why some failed", async () => {
      const { page } = await openPage(browser);
      await page.goto(new URL(`/builders/${builderIds["web"]}/builds/4`, url).href);
      await text(page, "failed in “results”");
      await text(page, "3 passed, 1 failed, 1 skipped");
      await page.locator(".log-content", { hasText: "FAIL pkg.Sum.breaks (src/sum.ts:7), 0.10 s" }).waitFor(timeLimit);
      await page.locator(".log-content", { hasText: "<b>no markup</b>" }).waitFor(timeLimit);
    });

    it("are a tab of it, failed ones first, searched by name, each with the way to its history", async () => {
      const { page, problems } = await openPage(browser);
      await page.goto(new URL(`/builders/${builderIds["web"]}/builds/4`, url).href);
      await page.getByRole("link", { name: "Tests 1 failed" }).click(timeLimit);
      await text(page, "1 failed, 3 passed, 1 skipped");
      const names = () => page.locator("tbody tr td:first-child a").allTextContents();
      await row(page, "breaks").waitFor(timeLimit);
      expect(await names()).toEqual(["breaks", "adds", "crawls", "wobbles", "later"].map((name) => `pkg.Sum.${name}`));
      expect(await findSeriousProblems(page)).toEqual([]);
      await page.getByPlaceholder("Filter tests").fill("CRAWL");
      await waitFor(async () => (await names()).length === 1, { what: "the list to be narrowed", timeoutMs: 20_000 });
      expect(new URL(page.url()).searchParams.get("q")).toBe("CRAWL");
      await page.getByRole("link", { name: "pkg.Sum.crawls" }).click();
      await page.waitForURL(/\/tests\/\d+$/, timeLimit);
      expect(problems()).toEqual([]);
    });
  });

  describe("the page of tests", () => {
    it("shows what fails now, what is flaky, what is slow, and changes as builds end", async () => {
      const { page, problems } = await openPage(browser);
      await page.goto(new URL("/", url).href);
      await page.getByRole("button", { name: "More" }).click(timeLimit);
      await page.getByRole("link", { name: "Tests", exact: true }).click(timeLimit);
      await panel(page, "Failing now").getByText("pkg.Sum.breaks").waitFor(timeLimit);
      expect(await panel(page, "Failing now").locator("tbody tr").count()).toBe(1);
      await panel(page, "Flaky").getByText("pkg.Sum.wobbles").waitFor(timeLimit);
      await panel(page, "Flaky").getByText("1 of 3").waitFor(timeLimit);
      await panel(page, "Slowest").getByText("1:39").waitFor(timeLimit);
      expect(await panel(page, "Slowest").locator("tbody tr").first().textContent()).toContain("crawls");
      expect(await findSeriousProblems(page)).toEqual([]);

      await build({ ...commits[2], breaks: ["pass", 0.1], adds: ["fail", 0.01] }, 5);
      await panel(page, "Failing now").getByText("pkg.Sum.adds").waitFor(timeLimit);
      await panel(page, "Failing now")
        .getByText("pkg.Sum.breaks")
        .waitFor({ state: "hidden", ...timeLimit });
      expect(problems()).toEqual([]);
    });

    it("is narrowed by name and by builder, in an address that can be passed on", async () => {
      const { page } = await openPage(browser);
      await page.goto(new URL("/tests?q=nothing", url).href);
      await text(page, "has “nothing” in its name");
      await page.getByPlaceholder("Filter by name").fill("crawl");
      await panel(page, "Slowest").getByText("pkg.Sum.crawls").waitFor(timeLimit);
      await page.getByLabel("Builder").selectOption({ label: "docs" });
      await panel(page, "Slowest").getByText("No test reports how long it took.").waitFor(timeLimit);
      expect(new URL(page.url()).search).toBe(`?q=crawl&builder=${builderIds["docs"]}`);
    });

    it("leads to the history of a test: each build, its revision, its log", async () => {
      const { page, problems } = await openPage(browser);
      await page.goto(new URL("/tests", url).href);
      await page.getByRole("link", { name: "pkg.Sum.wobbles" }).first().click(timeLimit);
      await row(page, "#2 passed").waitFor(timeLimit);
      await row(page, "#3 failed").waitFor(timeLimit);
      await row(page, `#4 passed ${revisions[2]?.slice(0, 7)}`).waitFor(timeLimit);
      expect(await page.locator(".strip.tall a").count()).toBeGreaterThanOrEqual(3);
      expect(await findSeriousProblems(page)).toEqual([]);
      await row(page, "#3 failed").getByRole("link", { name: "log" }).click();
      await page.locator(".log-content", { hasText: "FAIL pkg.Sum.wobbles" }).waitFor(timeLimit);
      expect(problems()).toEqual([]);
    });

    it("fits on a phone in the dark, and is accessible there", async () => {
      const { page, problems } = await openPage(browser, {
        viewport: { width: 360, height: 740 },
        colorScheme: "dark",
      });
      const [{ testid } = { testid: 0 }] = (await master.api<{ flaky_tests: { testid: number }[] }>("tests/flaky")).body
        .flaky_tests;
      for (const path of ["/tests", `/tests/${testid}`, `/builders/${builderIds["web"]}/builds/4?tab=tests`]) {
        await page.goto(new URL(path, url).href);
        await text(page, "pkg.Sum.wobbles");
        const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
        expect(overflow, path).toBeLessThanOrEqual(0);
        expect(await findSeriousProblems(page), path).toEqual([]);
      }
      expect(problems()).toEqual([]);
    });

    it("says of a test that is not there that it is not", async () => {
      const { page } = await openPage(browser);
      await page.goto(new URL("/tests/999999", url).href);
      await text(page, "There is no test 999999");
    });
  });
});
