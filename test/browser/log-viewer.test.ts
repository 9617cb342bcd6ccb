import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findSeriousProblems } from "../harness/accessibility.ts";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { configFile } from "../harness/cluster.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

let master: TestMaster;
let browser: Browser;
let build: string;

beforeAll(async () => {
  master = await startMaster({
    config: configFile("test/browser/configs/log-viewer.ts"),
    env: { MULTIMASTER_STATE: temporaryDirectory("log-viewer"), UI_PORT: "0" },
  });
  await master.waitReady();
  browser = await launchBrowser();
  await master.apiPost("forceschedulers/force", "force", { builderNames: ["many"] });
  await waitFor(
    async () =>
      (await master.api<{ builds: { complete: boolean }[] }>("builders/many/builds/1")).body.builds?.[0]?.complete,
    { what: "the build to end", timeoutMs: 60_000 },
  );
  const { body } = await master.api<{ builders: { builderid: number }[] }>("builders/many");
  build = `${await master.url()}builders/${body.builders[0]?.builderid}/builds/1`;
});
afterAll(() => master?.stop());

async function open(path: string, options?: BrowserContextOptions): Promise<Page> {
  const { page } = await openPage(browser, options);
  await page.goto(build + path);
  await page.locator(".log-line[data-line]").first().waitFor();
  return page;
}

/** Whether something is within what is seen of its pane. */
const isSeen = (page: Page, selector: string, pane: string) =>
  page.evaluate(`(() => {
    const inner = document.querySelector(${JSON.stringify(selector)})?.getBoundingClientRect();
    const outer = document.querySelector(${JSON.stringify(pane)}).getBoundingClientRect();
    return inner !== undefined && inner.bottom > outer.top && inner.top < outer.bottom && inner.right > outer.left && inner.left < outer.right;
  })()`);

const waitSeen = (page: Page, selector: string, pane = ".log-text") =>
  waitFor(() => isSeen(page, selector, pane), { what: `${selector} to be seen` });

it("the log has a pane of its own beside a long list of steps, in which the failed one is in sight", async () => {
  for (const options of [{ isMobile: false }, { viewport: { width: 360, height: 740 }, isMobile: true }]) {
    const page = await open("", options);
    await waitSeen(page, ".steps [aria-current=step]", ".steps");
    await page.getByRole("button", { name: "31 passed" }).click();
    await page.locator(".steps li").nth(31).waitFor();
    await waitSeen(page, ".steps [aria-current=step]", ".steps");
    const height = (selector: string) => page.locator(selector).evaluate((each) => each.getBoundingClientRect().height);
    expect(await height(".steps")).toBeLessThanOrEqual(await height(".build"));
    expect(await findSeriousProblems(page)).toEqual([]);
    await page.context().close();
  }
});

it("sections fold, what they hide is linked to all the same, and addresses are links", async () => {
  const page = await open("?q=see");
  const section = page.getByRole("button", { name: "Prepare it" });
  await section.waitFor();
  expect(await section.getAttribute("aria-expanded")).toBe("false");
  await page
    .getByText("0:07 5 lines")
    .or(page.getByText(/7 s\s+\d lines/))
    .waitFor();
  expect(await page.getByText("prepared 3").count()).toBe(0);
  await section.click();
  await page.getByText("prepared 3").waitFor();
  await page.keyboard.press("z");
  await page.getByText("prepared 3").waitFor({ state: "detached" });
  const link = page.getByRole("link", { name: "https://example.org/guide", exact: true }).last();
  expect(await link.getAttribute("href")).toBe("https://example.org/guide");

  const line = await page.locator(".log-line", { hasText: "see https" }).last().getAttribute("data-line");
  const linked = await open(`/steps/report/logs/stdio#L${Number(line) - 3}`);
  await linked.locator(".log-line.marked", { hasText: "prepared" }).waitFor();
});

it("a search is in the address, marks all hits, goes to them in wrapped and in long lines, and finds other steps", async () => {
  const page = await open("");
  await page.getByRole("button", { name: "Fold" }).waitFor();
  await page.keyboard.press("s");
  await page.keyboard.type("NEEDLE");
  await page.getByText(/^1 of \d/).waitFor();
  await page.waitForURL(/\?q=NEEDLE/);
  await page.keyboard.press("Shift+Enter");
  await waitSeen(page, ".log-line.found mark");
  expect(await page.locator(".log-line.found").textContent()).toContain("far 0");

  await page.keyboard.press("Escape");
  for (const row of [9, 290]) {
    await page.getByPlaceholder("Search, or /regex/").fill(`row ${row} `);
    await page.getByText("1 of 1", { exact: true }).waitFor();
    await waitSeen(page, ".log-line.found mark");
    await page.getByRole("button", { name: "Wrap" }).click();
    await waitSeen(page, ".log-line.found mark");
  }
  await page.getByRole("button", { name: "End" }).click();
  await waitSeen(page, ".log-line:last-child[data-line]");

  await page.getByPlaceholder("Search, or /regex/").fill("needle, too");
  await page.getByRole("button", { name: "All steps" }).click();
  await page.getByText(/^3\d logs searched$/).waitFor();
  await page.getByRole("link", { name: "part 7 / stdio" }).click();
  await page.locator(".log-line.found mark", { hasText: "needle, too" }).waitFor();
});

it("shows when lines were printed, counted from the beginning of the step, by key and for the next log too", async () => {
  const page = await open("?q=see");
  const time = (text: string) => page.locator(".log-line", { hasText: text }).locator(".log-time").last();
  await page.keyboard.press("t");
  await waitFor(async () => /^0:0[2-9]$|^0:[1-5]\d$/.test((await time("see https").textContent()) ?? ""), {
    what: "the time after the pause",
  });
  expect(await page.getByRole("button", { name: "Times" }).getAttribute("aria-pressed")).toBe("true");
  await page.reload();
  await page.keyboard.press("g");
  await page.locator('[data-line="1"] .log-time', { hasText: "0:00" }).waitFor();
  await page.keyboard.press("t");
  await page.locator(".log-time").first().waitFor({ state: "detached" });
});

it("a pasted address with an evil expression leaves the page alive, and what cannot be searched is said", async () => {
  const page = await open(`?q=${encodeURIComponent("/(a+)+%$/")}`);
  await page.getByText("nothing found", { exact: true }).waitFor();
  await page.getByPlaceholder("Search, or /regex/").fill("/far 0+ (?=needle)/");
  await page.getByText("lookahead could take for ever: search without it").waitFor();
  await page.getByPlaceholder("Search, or /regex/").fill("/far 0+ nee/");
  await page.getByText("1 of 1", { exact: true }).waitFor();
});

it("copies lines without their numbers, by selection, by the button and by its key", async () => {
  const page = await open("?q=see", { permissions: ["clipboard-read", "clipboard-write"] });
  const copied = () => page.evaluate("navigator.clipboard.readText()");
  await page.getByRole("button", { name: "Prepare it" }).click();
  await page.getByText("prepared 5", { exact: true }).waitFor();
  await page.evaluate(`(() => {
    const lines = [...document.querySelectorAll(".log-line")].filter((line) => /^\\d+prepared [1-3]$/.test(line.textContent));
    getSelection().setBaseAndExtent(lines[0], 0, lines[2], lines[2].childNodes.length);
  })()`);
  await page.keyboard.press("ControlOrMeta+c");
  await waitFor(copied, { what: "the selection to be copied" });
  expect(await copied()).toBe("prepared 1\nprepared 2\nprepared 3");

  const number = (text: string) => page.locator(".log-line", { hasText: text }).locator(".log-number");
  await number("prepared 2").click();
  await number("prepared 4").click({ modifiers: ["Shift"] });
  await page.getByRole("button", { name: "Copy" }).click();
  await page.getByText("3 lines copied").waitFor();
  expect(await copied()).toBe("prepared 2\nprepared 3\nprepared 4\n");
  await number("prepared 5").click();
  await page.keyboard.press("c");
  await page.getByText("1 line copied").waitFor();
  expect(await copied()).toBe("prepared 5\n");
});
