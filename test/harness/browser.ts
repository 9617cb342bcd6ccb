import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { onTestFinished } from "vitest";
import { getCurrentTest } from "vitest/suite";
import { findBrowser } from "../setup.mjs";
import { onCleanup } from "./cleanup.ts";

/** A page in a real browser, which remembers whatever went wrong in it. */
export interface WatchedPage {
  readonly page: Page;
  /** Requests that failed, errors on the console, errors that no one caught. */
  problems(): string[];
}

/** Starts Chromium; it ends with the test file. */
export async function launchBrowser(): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath: findBrowser() ?? "chromium",
    // Tests run in containers, as root: there its sandbox does not start.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  onCleanup(() => browser.close());
  return browser;
}

/**
 * Opens a page of its own, with nothing remembered of others; it is closed with the test that opened it. Without motion:
 * a machine without a graphics card draws each picture of an animation on its processor, which the tests need.
 */
export async function openPage(browser: Browser, options: BrowserContextOptions = {}): Promise<WatchedPage> {
  const context = await browser.newContext({
    viewport: { width: 1400, height: 900 },
    reducedMotion: "reduce",
    ...options,
  });
  if (getCurrentTest()) onTestFinished(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const problems: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()} (${message.location().url})`);
  });
  page.on("pageerror", (error) => problems.push(`uncaught: ${error.message}`));
  page.on("response", (response) => {
    if (response.status() >= 400)
      problems.push(`${response.status()} ${response.request().method()} ${response.url()}`);
  });
  page.on("requestfailed", (request) => {
    // A page that is left cancels what it was loading.
    if (request.failure()?.errorText !== "net::ERR_ABORTED") problems.push(`failed: ${request.url()}`);
  });
  return { page, problems: () => problems };
}
