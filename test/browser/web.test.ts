import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findSeriousProblems } from "../harness/accessibility.ts";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { configFile } from "../harness/cluster.ts";
import { createGitRepository } from "../harness/git-repository.ts";
import { isLong } from "../harness/long-form.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { type BuilderIds, pages, waitForTexts } from "./pages.ts";
import { lastTick, readDrawnLines, scrollTo } from "./shown-log.ts";

const timeLimit = { timeout: 60_000 };

/** Of the logs that are long. */
const lines = isLong ? 1_000_000 : 30_000;

let browser: Browser;
let master: TestMaster;
let url: string;
let gate: string;
let builderIds: BuilderIds;

interface Build {
  buildid: number;
  number: number;
  complete: boolean;
}

beforeAll(async () => {
  const directory = temporaryDirectory("web");
  gate = join(directory, "gate");
  const repository = createGitRepository({ files: { Makefile: "all:\n\t@echo compiled\n" } });
  master = await startMaster({
    config: configFile("test/browser/configs/web.ts"),
    env: {
      WORKER_BASEDIR: join(directory, "workers"),
      REPOSITORY: repository.path,
      GATE: gate,
      UI_PORT: "0",
      MANY: "1000",
      LINES: String(lines),
      DATABASE_URL: `sqlite:${join(directory, "web.sqlite")}`,
    },
  });
  browser = await launchBrowser();
  url = await master.url();
  await master.waitReady();
  const { body } = await master.api<{ builders: { builderid: number; name: string }[] }>("builders");
  builderIds = Object.fromEntries(body.builders.map(({ name, builderid }) => [name, builderid]));
  await finished("tests");
  await finished("docs");
  for (const name of ["long", "live", "grows", "waits"]) await force(name);
  await finished("long");
});

afterAll(async () => {
  writeFileSync(gate, "");
  await browser?.close();
  await master?.stop();
});

async function force(name: string): Promise<void> {
  const params = { builderid: String(builderIds[name]), username: "Ann <ann@example.org>", reason: "to be seen" };
  expect((await master.apiPost("forceschedulers/force", "force", params)).status).toBe(200);
}

/** The first build of a builder, once it has ended. */
function finished(name: string): Promise<Build> {
  return waitFor(
    async () => {
      const { body } = await master.api<{ builds: Build[] }>(`builders/${builderIds[name]}/builds/1`);
      return body.builds?.find(({ complete }) => complete);
    },
    { what: `a build of ${name}`, timeoutMs: 60_000 },
  );
}

const text = (page: Page, what: string) => page.getByText(what).first().waitFor(timeLimit);

describe("every page", () => {
  it.each(pages)("%s shows what there is, is accessible, and complains about nothing", async (_name, path, shows) => {
    const { page, problems } = await openPage(browser);
    await page.goto(new URL(path(builderIds), url).href);
    await waitForTexts(page, shows);
    expect(problems()).toEqual([]);
    expect(await findSeriousProblems(page)).toEqual([]);
  });

  it("fits on a phone in the dark, and is accessible there", async () => {
    const { page, problems } = await openPage(browser, {
      viewport: { width: 360, height: 740 },
      colorScheme: "dark",
      reducedMotion: "reduce",
    });
    for (const [name, path, shows] of pages) {
      if (!["home", "builders", "build", "queue", "locks", "cluster"].includes(name)) continue;
      await page.goto(new URL(path(builderIds), url).href);
      await waitForTexts(page, shows);
      const overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth");
      expect(overflow, name).toBeLessThanOrEqual(0);
      expect(await findSeriousProblems(page), name).toEqual([]);
    }
    expect(problems()).toEqual([]);
  });
});

describe("the locks page", () => {
  it("shows who has a lock and who waits, on a phone in the dark too, and an operator breaks it there", async () => {
    await force("bakes");
    const { page, problems } = await openPage(browser);
    await page.goto(new URL("/locks", url).href);
    await waitForTexts(page, ["oven", "grows #1", "bakes", "alone on"]);
    const phone = await openPage(browser, { viewport: { width: 360, height: 740 }, colorScheme: "dark" });
    await phone.page.goto(new URL("/locks", url).href);
    await waitForTexts(phone.page, ["oven", "grows #1", "bakes"]);
    expect(await phone.page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    expect(await findSeriousProblems(phone.page)).toEqual([]);
    await phone.page.goto(new URL("/queue", url).href);
    await waitForTexts(phone.page, ["lock oven is held by grows #1"]);

    await page.getByRole("button", { name: "Break" }).click();
    await page.getByRole("button", { name: "Yes" }).click();
    // The one that waited takes it, and ends; what had it goes on.
    await page.getByText("grows #1").waitFor({ state: "detached", ...timeLimit });
    expect((await finished("bakes")).number).toBe(1);
    expect((await master.api<{ builds: Build[] }>(`builders/${builderIds["grows"]}/builds/1`)).body.builds).toEqual([
      expect.objectContaining({ complete: false }),
    ]);
    expect([...problems(), ...phone.problems()]).toEqual([]);
  });
});

describe("a log", () => {
  it("of a running build follows what is printed, each line once, without reloading", async () => {
    const { page } = await openPage(browser);
    await page.goto(new URL(`/builders/${builderIds["live"]}/builds/1`, url).href);
    const before = await waitFor(() => lastTick(page), { what: "the log to be shown", timeoutMs: 30_000 });
    await waitFor(async () => (await lastTick(page)) > before + 20, {
      what: "the log to be followed",
      timeoutMs: 60_000,
    });
    const ticks = (await readDrawnLines(page)).map(([, line]) => Number(/tick (\d+) of/.exec(line)?.[1]));
    const counted = ticks.filter((n) => !Number.isNaN(n));
    expect(counted).toEqual(counted.map((_, i) => (counted[0] ?? 0) + i));
  });

  it(`of ${lines} lines opens at a line that is linked, is scrolled and searched, and never held whole`, async () => {
    const { page } = await openPage(browser);
    const asked: string[] = [];
    page.on("request", (request) => request.url().includes("/contents") && asked.push(request.url()));
    const linked = 0.9 * lines;
    await page.goto(new URL(`/builders/${builderIds["long"]}/builds/1/steps/1/logs/stdio#L${linked}`, url).href);
    await page.locator(`[data-line="${linked}"].marked`).waitFor(timeLimit);
    // The headings of sections are looked for in pieces of 10,000 lines.
    const pieces = lines / 10_000;
    expect(asked.length).toBeLessThan(6 + pieces);

    const places = [0, 0.1, 0.33, 0.5, 0.75, 1];
    for (const place of places) {
      const shown = await scrollTo(page, `${place} * (view.scrollHeight - view.clientHeight)`);
      const [first = 0] = shown.lines[0] ?? [];
      // What the command was called with takes some lines, too.
      expect(Math.abs(first - place * lines)).toBeLessThan(300);
      expect(shown.lines.map(([line]) => line)).toEqual(shown.lines.map((_, i) => first + i));
      expect(shown.lines.length).toBeLessThan(150);
    }
    expect(asked.length).toBeLessThan(6 + pieces + 3 * places.length);

    const before = asked.length;
    const wanted = lines - 1;
    await page.getByPlaceholder("Search, or /regex/").fill(`line ${wanted} of`);
    await page.getByText("1 of 1", { exact: true }).waitFor({ timeout: 90_000 });
    await page.locator(".log-line.found", { hasText: `line ${wanted} of a long log` }).waitFor(timeLimit);
    expect(asked.length - before).toBeLessThan(pieces + 6);
    const megabytes = await measureHeap(page);
    console.log(`a log of ${lines} lines: ${asked.length} requests, ${megabytes.toFixed(0)} MB of heap in the page`);
    expect(megabytes).toBeLessThan(64);
  });

  it(`of ${lines} lines and more is followed at its end`, async () => {
    const { page } = await openPage(browser);
    const asked: string[] = [];
    page.on("request", (request) => request.url().includes("/contents") && asked.push(request.url()));
    await page.goto(new URL(`/builders/${builderIds["grows"]}/builds/1`, url).href);
    const before = await waitFor(() => lastTick(page), { what: "the end of the log", timeoutMs: 60_000 });
    const reads = asked.length;
    await waitFor(async () => (await lastTick(page)) > before + 20, { what: "the log to go on", timeoutMs: 60_000 });
    expect(reads).toBeLessThan(20);
    expect(await page.locator(".log-line").count()).toBeLessThan(150);
  });

  it("shows the colours of a terminal and no markup of others, and opens at the reason of a failure", async () => {
    const { page } = await openPage(browser);
    await page.goto(new URL(`/builders/${builderIds["tests"]}/builds/1`, url).href);
    await page.locator(".log-line.found .fg-1", { hasText: "FAIL" }).waitFor(timeLimit);
    await page.locator(".log-content", { hasText: /^<b>no markup<\/b>/ }).waitFor(timeLimit);
  });
});

it("a thousand builders are a list of which only what is seen is drawn, and that is searched as one types", async () => {
  const { page } = await openPage(browser);
  await page.goto(new URL("/builders", url).href);
  await text(page, "generated-0000");
  expect(await page.locator(".builder-rows li").count()).toBeLessThan(60);
  await page.getByPlaceholder("Filter by name").fill("generated-0999");
  await text(page, "generated-0999");
  expect(await page.locator(".builder-rows li").count()).toBe(1);
});

it("the keyboard finds a builder, the form forces a build and says at the field what is wrong", async () => {
  const { page } = await openPage(browser);
  await page.goto(url);
  await text(page, "Needs attention");
  await page.keyboard.press("/");
  await page.getByRole("combobox").waitFor(timeLimit);
  await page.keyboard.type("docs");
  await page.getByRole("option", { name: "docs builder" }).waitFor(timeLimit);
  await page.keyboard.press("Enter");
  await page.waitForURL(`**/builders/${builderIds["docs"]}`, timeLimit);
  await page.getByRole("button", { name: "Force" }).click(timeLimit);
  // The form begins at its first field, and its address can be passed on.
  await page.locator("dialog input:focus").waitFor(timeLimit);
  expect(new URL(page.url()).searchParams.get("force")).toBe("force");
  await page.getByLabel("Your name").fill("nobody");
  await page.getByRole("dialog").getByRole("button", { name: "Force" }).click();
  await page.getByRole("dialog").locator(".field .problem").first().waitFor(timeLimit);
  await page.locator(".field:has(> .problem) input:focus").waitFor(timeLimit);
  await page.getByLabel("Your name").fill("Ann <ann@example.org>");
  await page.getByRole("dialog").getByRole("button", { name: "Force" }).click();
  await page.waitForURL(/buildrequests|builds\/\d+/, timeLimit);
});

it("the first load stays below 200 kB, in files that browsers keep for ever", async () => {
  const directory = configFile("packages/web/dist");
  const sent = [
    readFileSync(join(directory, "index.html")),
    ...readdirSync(join(directory, "assets"))
      .filter((name) => /\.(js|css)$/.test(name))
      .map((name) => readFileSync(join(directory, "assets", name))),
  ].map((file) => gzipSync(file).length);
  expect(sent.reduce((sum, size) => sum + size)).toBeLessThan(200_000);

  const page = await master.fetch("/builders/1", { headers: { Accept: "text/html" } });
  expect(page.headers.get("cache-control")).toBe("no-cache");
  const [script = ""] = /\/assets\/[^"]+\.js/.exec(await page.text()) ?? [];
  const asset = await master.fetch(script, { headers: { "Accept-Encoding": "br" } });
  expect(Object.fromEntries(asset.headers)).toMatchObject({
    "cache-control": "public, max-age=31536000, immutable",
    "content-encoding": "br",
    "content-type": "text/javascript; charset=utf-8",
  });
  expect((await master.fetch("/assets/none.js")).status).toBe(404);
  expect((await master.fetch("/api/v2/nothing", { headers: { Accept: "text/html" } })).status).toBe(404);
});

/** What the page's scripts hold, after a garbage collection. */
async function measureHeap(page: Page): Promise<number> {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  return usedSize / 1024 ** 2;
}
