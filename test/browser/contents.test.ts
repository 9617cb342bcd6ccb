import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { hashPassword } from "@multimaster/core";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findSeriousProblems } from "../harness/accessibility.ts";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { configFile } from "../harness/cluster.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { waitForTexts } from "./pages.ts";

/** With MULTIMASTER_SCREENSHOTS, pictures of these pages are taken: in light, in dark, and on a narrow phone. */
const pictures =
  process.env["MULTIMASTER_SCREENSHOTS"] === undefined
    ? undefined
    : fileURLToPath(new URL("../../.cache/screenshots", import.meta.url));
const looks: Readonly<Record<string, BrowserContextOptions>> = {
  light: { colorScheme: "light" },
  dark: { colorScheme: "dark" },
  phone: { viewport: { width: 360, height: 740 }, isMobile: true, colorScheme: "light" },
};

const state = temporaryDirectory("contents");
let master: TestMaster;
let browser: Browser;
let url: string;

beforeAll(async () => {
  const hash = await hashPassword("correct horse");
  master = await startMaster({
    config: configFile("test/browser/configs/contents.ts"),
    env: { MULTIMASTER_STATE: state, UI_PORT: "0", PASSWORD_HASH: hash },
  });
  url = await master.url();
  await master.waitReady();
  browser = await launchBrowser();
});
afterAll(() => master?.stop());

async function open(path: string, name?: "ann" | "bob", options?: BrowserContextOptions) {
  const opened = await openPage(browser, options);
  const { page } = opened;
  if (name !== undefined) {
    await page.goto(`${url}auth/login?redirect=/`);
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill("correct horse");
    await page.getByRole("button", { name: "Log in" }).click();
    await page.getByText(name).first().waitFor();
  }
  await page.goto(new URL(path, url).href);
  return opened;
}

/** Looks at a page in all looks: it has no serious problem, and on a phone nothing makes it wider than the screen. */
async function look(path: string, name: "ann" | undefined, as: string, texts: readonly string[]): Promise<void> {
  for (const [kind, options] of Object.entries(looks)) {
    const { page } = await open(path, name, options);
    await waitForTexts(page, texts);
    expect([as, kind, await findSeriousProblems(page)]).toEqual([as, kind, []]);
    const over = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    expect([as, kind, over]).toEqual([as, kind, 0]);
    if (pictures !== undefined) {
      mkdirSync(pictures, { recursive: true });
      await page.screenshot({ path: join(pictures, `${as}-${kind}.png`) });
    }
    await page.context().close();
  }
}

async function request(builder: string, more: object = {}): Promise<void> {
  const { status } = await master.apiPost("forceschedulers/force", "force", { builderNames: [builder], ...more });
  expect([builder, status]).toEqual([builder, 200]);
}

/** The page of a builder's first build. */
async function buildPage(builder: string): Promise<string> {
  const { body } = await master.api<{ builders: { builderid: number }[] }>(`builders/${builder}`);
  return `builders/${body.builders[0]?.builderid}/builds/1`;
}

const ended = (builder: string) =>
  waitFor(
    async () =>
      (await master.api<{ builds: { complete: boolean }[] }>(`builders/${builder}/builds/1`)).body.builds?.[0]
        ?.complete,
    { what: `the build of ${builder} to end`, timeoutMs: 60_000 },
  );

const rows = (page: Page) => page.locator("tbody tr").allInnerTexts();

it("artifacts are browsed by directory, downloaded, and linked to by those who may", async () => {
  await request("pack");
  await ended("pack");
  const path = `${await buildPage("pack")}?tab=artifacts`;
  const { page, problems } = await open(path, "bob");
  await page.getByRole("link", { name: "dist/" }).click();
  expect((await rows(page)).map((row) => row.split(/\s/)[0])).toEqual(["doc/", "app"]);
  await page.getByRole("link", { name: "doc/" }).click();
  await page.getByRole("link", { name: "index.html" }).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "index.html" }).click(),
  ]);
  expect(download.suggestedFilename()).toBe("index.html");
  expect(readFileSync(await download.path(), "utf8")).toBe("<h1>guide</h1>\n");
  const [latest] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("link", { name: "latest" }).first().click(),
  ]);
  expect(new URL(latest.url()).pathname).toBe("/artifacts/latest/pack/dist/doc/index.html");
  await page.getByRole("link", { name: "all artifacts" }).click();
  await page.getByLabel("Filter artifacts by name").fill("api/x");
  expect((await rows(page)).map((row) => row.split(/\s/)[0])).toEqual(["dist/doc/api/x.html"]);
  expect(problems()).toEqual([]);

  const stranger = await open(path);
  await stranger.page.getByText("You may not read artifacts").waitFor();
  for (const address of ["artifacts/1", "artifacts/latest/pack/dist/app", "api/v2/artifacts"])
    expect([address, (await master.fetch(address)).status]).toEqual([address, 403]);
  await look(`${path}&dir=dist/`, "ann", "artifacts", ["doc/", "latest"]);
});

it("the items of a matrix are shown while they are built and after, those that failed first", async () => {
  await request("matrix");
  const path = await buildPage("matrix");
  const { page, problems } = await open(`${path}?tab=items`, "bob");
  await waitForTexts(page, [
    "clang debug",
    "compile: price.c:48:31: error: expected ; before return",
    "It comes after gcc release.",
  ]);
  await look(`${path}?tab=items`, undefined, "items-running", ["price.c:48:31", "It is being built on"]);
  writeFileSync(join(state, "gate"), "");
  await ended("matrix");
  await page.getByText("1 failure, 2 not built, 3 success").waitFor();
  // The counts and the rows are two reads.
  await page.getByText("It comes after").waitFor({ state: "detached" });
  await page.getByText("building").waitFor({ state: "detached" });
  const names = ["clang debug", "clang package", "clang deploy", "gcc debug", "gcc release", "gcc package"];
  await waitFor(
    async () => {
      const shown = (await rows(page)).map((row) => row.split(/[\n\t]/)[0]);
      return JSON.stringify(shown) === JSON.stringify(names);
    },
    { what: "the items in their last order" },
  );
  await page.getByLabel("Show").selectOption("not built");
  // Between two choices no rows are shown.
  await waitFor(async () => (await rows(page)).length === 2, { what: "the items that were not built" });
  await page.getByLabel("Show").selectOption("");
  await page.getByLabel("Filter items by name").fill("release");
  await page.getByText("clang debug").waitFor({ state: "detached" });
  await page.getByRole("link", { name: /item #\d/ }).click();
  await waitForTexts(page, ["succeeded"]);
  expect(problems()).toEqual([]);
  await look(`${path}?tab=items`, undefined, "items", ["1 failure, 2 not built, 3 success"]);
});

it("a build of 300 added steps is a page like others", async () => {
  await request("long");
  await ended("long");
  const path = await buildPage("long");
  const { page, problems } = await open(path, "bob");
  await page.getByRole("list", { name: "Steps" }).getByText("part 300", { exact: true }).waitFor();
  await page.getByRole("button", { name: /\d+ passed/ }).click();
  const steps = page.getByRole("list", { name: "Steps" }).getByRole("listitem");
  await waitFor(async () => (await steps.count()) >= 301, { what: "all steps to be listed" });
  expect(problems()).toEqual([]);
  await look(path, undefined, "long", ["part 300"]);
});

it("warnings of a compiler are listed by file and line, without those that are suppressed", async () => {
  await request("warns");
  await ended("warns");
  const path = await buildPage("warns");
  const { page, problems } = await open(path, "bob");
  await page.getByRole("link", { name: "Warnings", exact: true }).click();
  await waitForTexts(page, ["src/cart.c:7", "implicit declaration", "src/price.c:48", "unused variable"]);
  expect(await page.getByText("lib/old.c").count()).toBe(0);
  expect(problems()).toEqual([]);
  await look(`${path}?tab=warnings`, undefined, "warnings", ["src/price.c:48"]);
});

it("a build of two codebases names the revision of each, with its author and a link to its page", async () => {
  const change = new URLSearchParams({
    author: "Ann Example <ann@example.org>",
    comments: "Fix the price",
    revision: "a".repeat(40),
    repository: "https://example.org/app.git",
    codebase: "app",
    branch: "main",
    revlink: `https://example.org/app/commit/${"a".repeat(40)}`,
  });
  const { status } = await master.fetch("change_hook/base", { method: "POST", body: change });
  expect(status).toBe(202);
  await ended("two");
  const path = await buildPage("two");
  const { page, problems } = await open(path, "bob");
  await waitForTexts(page, ["Source app", "Source lib", "Ann Example"]);
  const link = page.getByRole("link", { name: "aaaaaaaaa" });
  expect(await link.getAttribute("href")).toBe(`https://example.org/app/commit/${"a".repeat(40)}`);
  await page.getByText("bbbbbbbbb").waitFor();
  // The picture is drawn here: the page asks no other host.
  expect(await page.locator(".avatar").first().textContent()).toBe("AE");
  expect(problems()).toEqual([]);
  await look(`${path}?tab=changes`, undefined, "codebases", ["Source lib", "Fix the price"]);
});

it("a stranger's pull request waits for approval, which only a lead gives", async () => {
  await request("check", { branch: "refs/pull/7/head", revision: "c".repeat(40) });
  const { body } = await waitFor(
    async () => {
      const answer = await master.api<{ approvals: { buildrequestid: number }[] }>("approvals");
      return answer.body.approvals.length > 0 && answer;
    },
    { what: "the request to wait for approval" },
  );
  const path = `buildrequests/${body.approvals[0]?.buildrequestid}`;
  const waits = "pull request of a stranger (refs/pull/7/head at cccccccccccc) waits for approval";
  const { page } = await open(path, "bob");
  await waitForTexts(page, [waits]);
  await page.getByRole("button", { name: "Approve" }).click();
  await page.getByText("You may not approve").waitFor();
  const anonymous = await master.apiPost(path, "approve", {});
  expect(anonymous.status).toBe(403);
  await look(path, "ann", "approval", [waits, "Approve", "Reject"]);
  const lead = await open(path, "ann");
  await lead.page.getByRole("button", { name: "Approve" }).click();
  await ended("check");
  await lead.page.goto(new URL(path, url).href);
  await waitForTexts(lead.page, ["approved by ann"]);
});
