// Takes pictures of messages as people get them, for docs/reporters.md:
//   npm run screenshots
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Results } from "@multimaster/core";
import { htmlMessage } from "@multimaster/plugins/reporters/messages/html-message";
import { sampleFacts } from "@multimaster/plugins/reporters/messages/sample-facts";
import type { Page } from "playwright-core";
import { expect, it } from "vitest";
import { findSeriousProblems } from "../harness/accessibility.ts";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { chats } from "../harness/contracts/chats.ts";
import { reportOf, sendReport } from "../harness/reports.ts";
import { startStrictTarget } from "../harness/strict-target.ts";
import { showInChat } from "./chat-views.ts";

const directory = fileURLToPath(new URL("../../docs/images/messages", import.meta.url));
const mostBytes = 60_000;
const isWanted = process.env["MULTIMASTER_SCREENSHOTS"] !== undefined;

/** Takes a picture of what is in the page, as small as the web has them. */
async function takePicture(page: Page, name: string): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const height = (await page.evaluate("Math.ceil(document.body.getBoundingClientRect().height)")) as number;
  const width = page.viewportSize()?.width ?? 0;
  const { data } = await session.send("Page.captureScreenshot", {
    format: "webp",
    quality: 80,
    captureBeyondViewport: true,
    clip: { x: 0, y: 0, width, height, scale: 1 },
  });
  const bytes = Buffer.from(data, "base64");
  expect(bytes.length, name).toBeLessThan(mostBytes);
  if (isWanted) writeFileSync(join(directory, `${name}.webp`), bytes);
}

it("mail is readable in light and dark programs, on a desk and on a phone", async () => {
  if (isWanted) mkdirSync(directory, { recursive: true });
  const browser = await launchBrowser();
  const facts = sampleFacts().find(({ name }) => name === "a build that failed")?.facts;
  if (!facts) throw new Error("no sample of a build that failed");
  const { html = "" } = htmlMessage(facts);
  for (const width of [700, 360])
    for (const colorScheme of ["light", "dark"] as const) {
      const { page } = await openPage(browser, { viewport: { width, height: 400 }, colorScheme });
      await page.setContent(html);
      expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
      expect(await findSeriousProblems(page)).toEqual([]);
      await takePicture(page, `mail-${width === 700 ? "desk" : "phone"}-${colorScheme}`);
    }
});

it("chats show a message once, with its log and without a scroll bar", async () => {
  if (isWanted) mkdirSync(directory, { recursive: true });
  const browser = await launchBrowser();
  const { page } = await openPage(browser, { viewport: { width: 480, height: 400 } });
  for (const contract of chats) {
    const target = await startStrictTarget(contract);
    await sendReport(contract.reporter(target.url), reportOf(Results.FAILURE));
    const [call] = target.calls;
    await page.setContent(showInChat(contract.kind, call?.body, call?.text ?? ""));
    const shown = (await page.locator("body").textContent()) ?? "";
    expect(shown.split("web #81 fails now on main"), contract.kind).toHaveLength(2);
    expect(shown).toContain("expected [1, 2]");
    expect(shown).toContain("list is sorted (test/list.test.ts:12)");
    expect(await page.evaluate("document.documentElement.scrollWidth - innerWidth")).toBeLessThanOrEqual(0);
    await takePicture(page, contract.kind);
  }
});
