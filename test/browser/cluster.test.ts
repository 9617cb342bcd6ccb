import type { Browser, Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { isLong } from "../harness/long-form.ts";
import { waitFor } from "../harness/wait-for.ts";
import { describeBoth, measureUis } from "./measure-uis.ts";
import { type PageCluster, startPageCluster } from "./page-cluster.ts";
import { pages, waitForTexts } from "./pages.ts";
import { lastTick, readDrawnLines, readWholeLog } from "./shown-log.ts";

const timeLimit = { timeoutMs: 60_000 };

let browser: Browser;
let served: PageCluster;

beforeAll(async () => {
  served = await startPageCluster();
  browser = await launchBrowser();
  await served.waitForBuild("tests", 1);
  await served.waitForBuild("docs", 1);
  for (const builder of ["long", "waits"]) await served.force(builder);
  await served.startLive();
  await served.waitForBuild("long", 1);
});

/** Opens a page through the balancer, for as long as `use` takes. */
async function onPage(path: string, use: (page: Page, problems: () => string[]) => Promise<void>): Promise<void> {
  const { page, problems } = await openPage(browser);
  try {
    await page.goto(new URL(path, served.haproxy.url).href);
    await use(page, problems);
  } finally {
    await page.context().close();
  }
}

const buildPath = (builder: string, number: number) => `/builders/${served.builderIds[builder]}/builds/${number}`;
const shows = (page: Page, text: string | RegExp) => page.getByText(text).first().waitFor({ timeout: 60_000 });
const showsNoBar = (page: Page) => page.locator(".status-bar").waitFor({ state: "detached", timeout: 60_000 });
const isLive = (page: Page) => page.locator(".live-word.live").waitFor({ timeout: 60_000 });

async function waitForTicks(page: Page, more: number): Promise<void> {
  const before = await waitFor(() => lastTick(page), { what: "the log to be shown", ...timeLimit });
  await waitFor(async () => (await lastTick(page)) >= before + more, { what: "the log to go on", ...timeLimit });
}

it("every page is shown through the balancer, and complains about nothing", async () => {
  await onPage("/", async (page, problems) => {
    for (const [name, path, texts] of pages) {
      // Those that listen to most; web.test.ts opens all.
      if (!isLong && !["home", "build", "queue", "workers", "cluster"].includes(name)) continue;
      await page.goto(new URL(path(served.builderIds), served.haproxy.url).href);
      await waitForTexts(page, texts);
      await isLive(page);
      expect(problems(), name).toEqual([]);
    }
  });
});

it("a live log goes on by itself when its ui master is killed, and when the next one drains: no line missing, none twice", async () => {
  const number = await served.startLive();
  await onPage(buildPath("live", number), async (page) => {
    await isLive(page);
    await page.evaluate(`
      window.told = [];
      const note = () => {
        const state = document.querySelector(".live-word").textContent;
        if (told.at(-1) !== state) told.push(state);
      };
      note();
      new MutationObserver(note).observe(document.body, { subtree: true, childList: true, characterData: true });
    `);
    await waitForTicks(page, 50);
    const [killed, other] = await findServing();
    await served.uis.get(killed)?.kill9();
    served.forgetUi(killed);
    await waitForConnectedTo(other);
    await waitForTicks(page, 100);
    expect(await page.evaluate("told")).toEqual(["live", "every 3 s", "live"]);

    await served.startUi(killed);
    const drained = served.uis.get(other);
    drained?.sigterm();
    await waitForConnectedTo(killed);
    expect(await drained?.process.waitForExit(timeLimit)).toMatchObject({ code: 0 });
    served.forgetUi(other);
    await waitForTicks(page, 100);
    expect(await page.evaluate("told")).toEqual(["live", "every 3 s", "live", "every 3 s", "live"]);
    await showsNoBar(page);

    served.openGate();
    await shows(page, "succeeded after");
    const { buildid } = await served.waitForBuild("live", number);
    const raw = await readRawLog(buildid);
    await waitFor(async () => (await readDrawnLines(page)).at(-1)?.[0] === raw.length, {
      what: "the end",
      ...timeLimit,
    });
    const shown = await readWholeLog(page);
    expect(shown).toEqual(raw);
    const ticks = shown.flatMap((line) => /^tick (\d+) of the count$/.exec(line)?.[1] ?? []);
    expect(ticks).toEqual(ticks.map((_, i) => String(i + 1)));
    expect(ticks.length).toBeGreaterThan(250);
  });
  for (const name of ["ui-1", "ui-2"]) if (!served.uis.has(name)) await served.startUi(name);
});

it("while a step blocks its engine the ui masters answer as ever, and the cluster page names builder and step", async () => {
  const idle = await measureUis(served, { rounds: isLong ? 200 : 20 });
  await onPage("/cluster", async (page) => {
    await isLive(page);
    await served.force("parses");
    const blocked = "Its event loop is blocked now: step parse of parses.";
    await shows(page, blocked);
    await shows(page, 'The event loop of engine-blocking is blocked while it runs step "parse" of builder "parses"');
    const during = await measureUis(served, isLong ? { rounds: 200, seconds: 30 } : { rounds: 20 });
    // So all of that was while it was blocked.
    expect(
      await served.cluster.rows("select 1 from mm_loop_stalls where steps like '%parse%' and ended_at is null"),
    ).toHaveLength(1);
    await shows(page, blocked);
    served.release();
    await shows(page, /Longest stall of the day [\d.]+ s: step parse of parses/);
    await page.getByText(blocked).waitFor({ state: "detached" });

    expect([idle.refused, during.refused]).toEqual([[], []]);
    console.log(describeBoth({ before: idle, "while an engine is blocked": during }));
  });
  // Workers of an engine that is silent for too long are sent elsewhere by the balancer; then the build is run again.
  await waitFor(
    async () => {
      const { builds } = await served.read<{ builds: { results: number | null }[] }>("builders/parses/builds");
      return (
        builds.some(({ results }) => results === 0) && builds.every(({ results }) => results === 0 || results === 5)
      );
    },
    { what: "the blocked build to be done", timeoutMs: 90_000 },
  );
});

describe("from the pages", () => {
  it("a build is stopped, and built again", async () => {
    const number = await served.startLive();
    await onPage(buildPath("live", number), async (page, problems) => {
      await confirm(page, "Stop");
      await page.getByRole("button", { name: "Rebuild", exact: true }).click();
      await page.waitForURL(`**${buildPath("live", number + 1)}`);
      await shows(page, "tick");
      served.openGate();
      await shows(page, "succeeded after");
      expect(problems()).toEqual([]);
    });
    expect(await served.waitForBuild("live", number)).toMatchObject({ results: 6 });
  });

  it("a request is cancelled", async () => {
    await onPage("/queue", async (page, problems) => {
      await confirm(page, "Cancel");
      await shows(page, "Nothing waits");
      expect(problems()).toEqual([]);
    });
  });

  it("a worker pauses, and takes builds again", async () => {
    await onPage("/workers", async (page, problems) => {
      const row = page.getByRole("row", { name: /^local/ });
      await confirm(page, "Pause", row);
      await row.getByText("paused").waitFor();
      await row.getByRole("button", { name: "Resume" }).click();
      await row.getByText("attached").waitFor();
      expect(problems()).toEqual([]);
    });
  });

  it("a worker's page takes a note, and shows when it was paused", async () => {
    await onPage("/workers/local", async (page, problems) => {
      await page.getByRole("button", { name: "Add a note" }).click();
      await page.getByRole("textbox", { name: /What users should know/ }).fill("in the cellar");
      await page.getByRole("button", { name: "Save" }).click();
      await page.getByText("in the cellar").waitFor();
      await confirm(page, "Pause");
      const history = page.locator("section").filter({ hasText: "Why it was away" });
      await history.getByText("paused").first().waitFor();
      await page.getByRole("button", { name: "Resume" }).click();
      await page.getByText("attached").waitFor();
      expect(problems()).toEqual([]);
    });
  });

  it("a scheduler is switched off, and on", async () => {
    await onPage("/schedulers", async (page, problems) => {
      const row = page.getByRole("row", { name: /^every-commit/ });
      await confirm(page, "Switch off", row);
      await row.getByText("off: it starts nothing").waitFor();
      await row.getByRole("button", { name: "Switch on" }).click();
      await row.getByRole("button", { name: "Switch off" }).waitFor();
      expect(problems()).toEqual([]);
    });
  });

  it("a master drains with its progress, takes work again, and another one drains to its end", async () => {
    await served.startLive();
    await onPage("/cluster", async (page, problems) => {
      const main = page.getByRole("article", { name: "Master engine-main" });
      await confirm(page, "Drain", main);
      await main.getByText("1 build left").waitFor();
      await main.getByText("takes as long as its builds do").waitFor();
      await shows(page, "1 of 5 masters draining.");
      await main.getByRole("button", { name: "Cancel the drain" }).click();
      await main.getByText("running", { exact: true }).waitFor();

      const [, blocking] = served.engines;
      const other = page.getByRole("article", { name: "Master engine-blocking" });
      await confirm(page, "Drain", other);
      await shows(page, "1 gone");
      await other.waitFor({ state: "detached" });
      await page.locator("li", { hasText: "drain engine-blocking" }).getByText("done", { exact: true }).waitFor();
      expect(await blocking.process.waitForExit(timeLimit)).toMatchObject({ code: 0 });
      expect(problems()).toEqual([]);
    });
  });
});

describe("a page says how things are", () => {
  it("degraded while the router is away, though it follows a log; and is live again with it", async () => {
    await onPage(buildPath("live", await served.startLive()), async (page) => {
      await isLive(page);
      await served.cluster.crossbar.kill();
      await shows(page, /Degraded for \d+ s: the message router cannot be reached/);
      await waitForTicks(page, 100);
      await served.cluster.crossbar.start();
      await showsNoBar(page);
      await isLive(page);
      await waitForTicks(page, 20);
    });
  });

  it("disconnected while no ui master answers; with the first that does it shows what happened meanwhile", async () => {
    await onPage(buildPath("live", await served.startLive()), async (page) => {
      await waitForTicks(page, 20);
      for (const [name, ui] of served.uis) {
        await ui.kill9();
        served.forgetUi(name);
      }
      await shows(page, /Disconnected for \d+ s: you see the state of that time/);
      await page.getByRole("button", { name: "Stop" }).click();
      await page.getByRole("button", { name: "Yes" }).click();
      await shows(page, "The server cannot be reached.");
      served.openGate();
      await waitFor(
        async () => (await served.cluster.rows("select 1 from builds where complete_at is null")).length === 0,
        {
          what: "the build to end, unseen",
          ...timeLimit,
        },
      );
      await served.startUi("ui-1");
      await shows(page, "succeeded after");
      await showsNoBar(page);
      await isLive(page);
    });
  });

  it.runIf(isLong)(
    "disconnected while the database is away, though the stream is open; and goes on when it is back",
    async () => {
      await onPage("/builders", async (page) => {
        await isLive(page);
        await served.cluster.postgres.kill();
        await shows(page, /Disconnected for \d+ s: you see the state of that time/);
        await shows(page, "generated-0000");
        await served.cluster.postgres.start();
        await showsNoBar(page);
      });
    },
  );

  it("that what was asked for does not exist", async () => {
    await onPage(buildPath("live", 999), async (page) => {
      await shows(page, "There is no build 999 of builder live.");
    });
  });
});

/** The ui master that sends events to the page, and the other one. */
async function findServing(): Promise<[serving: string, other: string]> {
  const serving = await waitFor(() => served.findConnected(), { what: "the page to be connected" });
  const other = [...served.uis.keys()].find((name) => name !== serving);
  if (other === undefined) throw new Error("there is no other ui master");
  return [serving, other];
}

async function waitForConnectedTo(name: string): Promise<void> {
  await waitFor(async () => (await served.findConnected()) === name, {
    what: `the page to be at ${name}`,
    ...timeLimit,
  });
}

/** The lines that the command printed, from the file; what the file says of itself stands above them. */
async function readRawLog(buildid: number): Promise<string[]> {
  const { steps } = await served.read<{ steps: { stepid: number; name: string }[] }>(`builds/${buildid}/steps`);
  const step = steps.find(({ name }) => name === "count")?.stepid;
  const { logs } = await served.read<{ logs: { logid: number }[] }>(`steps/${step}/logs`);
  const raw = await fetch(new URL(`api/v2/logs/${logs[0]?.logid}/raw_inline`, served.haproxy.url));
  const [builder = "", , worker = "", ...printed] = (await raw.text()).replace(/\n$/, "").split("\n");
  expect([builder, worker]).toEqual(["Builder: live", "Worker name: local"]);
  return printed;
}

/** Clicks what first says what it will do. */
async function confirm(page: Page, name: string, within: Pick<Page, "getByRole"> = page): Promise<void> {
  await within.getByRole("button", { name, exact: true }).click();
  await within.getByRole("button", { name: "Yes" }).click();
}
