import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser, openPage, type WatchedPage } from "../harness/browser.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { buildbotFrontend } from "../setup.mjs";
import { openDataClient } from "./data-client.ts";

let master: TestMaster;
let watched: WatchedPage;
let page: Page;
let gate: string;

const builderIds: Record<string, number> = {};

beforeAll(async () => {
  const directory = temporaryDirectory("frontend");
  gate = join(directory, "gate");
  const config = join(directory, "cluster.ts");
  copyFileSync(fileURLToPath(new URL("configs/buildbot-frontend.ts", import.meta.url)), config);
  master = await startMaster({ config, env: { FRONTEND: buildbotFrontend(), GATE: gate, UI_PORT: "0" } });
  await master.waitReady();
  const { body } = await master.api<{ builders: { builderid: number; name: string }[] }>("builders");
  for (const { builderid, name } of body.builders) builderIds[name] = builderid;
  watched = await openPage(await launchBrowser());
  page = watched.page;
});

afterEach(() => expect(watched.problems()).toEqual([]));

async function open(path: string): Promise<void> {
  await page.goto(`${await master.url()}#/${path}`);
}

/** Waits until the page shows this text. */
const shows = (text: string | RegExp) => page.getByText(text).first().waitFor();

async function buildOf(builder: string, number: number) {
  return waitFor(
    async () => {
      const { body } = await master.api<{ builds: { buildid: number; complete: boolean; results: number | null }[] }>(
        `builders/${builder}/builds/${number}`,
      );
      return body.builds?.[0];
    },
    { what: `build ${number} of ${builder}` },
  );
}

/** Starts a build through the dialog of the builder's page. */
async function force(builder: string): Promise<void> {
  await open(`builders/${builderIds[builder]}`);
  await page.getByText("force", { exact: true }).first().click();
  await page.getByText("Start build", { exact: true }).click();
}

describe("Buildbot's own frontend", () => {
  it("starts a build, and shows its log line by line while it runs, then its end, without being loaded again", async () => {
    await force("slow");
    await buildOf("slow", 1);
    await open(`builders/${builderIds["slow"]}/builds/1`);
    await shows("building");
    await shows(/line \d+/);
    const count = async () =>
      Math.max(0, ...((await page.textContent("body"))?.match(/(?<=line )\d+/g) ?? []).map(Number));
    const before = await count();
    await waitFor(async () => (await count()) > before + 2, { what: "the log to grow on the page" });
    writeFileSync(gate, "");
    await shows("SUCCESS");
    await shows("Rebuild");
  });

  it("rebuilds, and goes to the new build", async () => {
    await force("quick");
    await waitFor(async () => (await buildOf("quick", 1)).complete, { what: "the build to end" });
    await open(`builders/${builderIds["quick"]}/builds/1`);
    await page.getByText("Rebuild", { exact: true }).click();
    await page.waitForURL(/builds\/2$/);
    await shows("SUCCESS");
    const { buildid } = await buildOf("quick", 2);
    const { body } = await master.api<{ steps: { name: string; number: number }[] }>(`builds/${buildid}/steps`);
    const step = body.steps.find(({ name }) => name === "hello")?.number;
    await open(`builders/${builderIds["quick"]}/builds/2/steps/${step}/logs/stdio`);
    await shows("echo hello");
  });

  it("stops a running build", async () => {
    rmSync(gate);
    await force("slow");
    await buildOf("slow", 2);
    await open(`builders/${builderIds["slow"]}/builds/2`);
    await shows("building");
    await page.getByText("Stop", { exact: true }).click();
    await shows("CANCELLED");
  });

  it("shows what waits, and cancels it", async () => {
    await force("stuck");
    await open("pendingbuildrequests");
    await shows("stuck");
    const { body } = await master.api<{ buildrequests: { buildrequestid: number }[] }>("buildrequests?claimed=false");
    const id = body.buildrequests[0]?.buildrequestid;
    await open(`buildrequests/${id}`);
    await page
      .getByText(/Cancel/)
      .first()
      .click();
    await waitFor(
      async () =>
        (await master.api<{ buildrequests: { complete: boolean }[] }>(`buildrequests/${id}`)).body.buildrequests[0]
          ?.complete,
      { what: "the request to be cancelled" },
    );
    await open("pendingbuildrequests");
    await shows("None");
  });

  it("shows changes that come in while one looks", async () => {
    await open("changes");
    await shows("0 changes");
    await master.fetch("change_hook/base", {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "author=Ann Lee <ann@example.org>&comments=the first change&revision=abc123&branch=main&repository=r",
    });
    await shows("the first change");
  });

  it.each([
    ["", "recent builds"],
    ["builders", "quick"],
    ["workers", "absent"],
    ["masters", "Last Active"],
    ["schedulers", "Scheduler Name"],
    ["changes/1", "abc123"],
    ["console", "the first change"],
    ["grid", "the first change"],
    ["waterfall", "slow"],
    ["projects", "Projects"],
    ["about", "Multimaster version"],
    ["settings", "Home page related settings"],
  ])("shows the page #/%s", async (path, text) => {
    await open(path);
    await shows(text);
    await page.waitForLoadState("networkidle");
  });
});

it("Buildbot's data client from npm reads, listens and forces, in a user's own page", async () => {
  const { page: own, problems } = await openPage(watched.page.context().browser() as Browser, {
    // The page that is borrowed has one that lets it ask for nothing.
    bypassCSP: true,
  });
  await openDataClient(own, await master.url());
  // What they end in must not be a collection: it looks like a promise, and is none.
  await own.evaluate(`{
    window.service = angular.bootstrap(document.body, ["bbData"]).get("dataService");
    window.builders = service.open().getBuilders({ order: "name" });
    "opened";
  }`);
  const read = <Value>(expression: string) => own.evaluate(`(${expression})`) as Promise<Value>;
  await waitFor(async () => (await read("builders.$resolved")) === true, { what: "the builders" });
  expect(await read("[...builders].map(({ name }) => name)")).toEqual(["quick", "slow", "stuck"]);

  await own.evaluate(`{
    const quick = builders.get(${builderIds["quick"]});
    window.builds = quick.getBuilds({ property: ["owner"], order: "-number" });
    window.seen = [];
    builds.onNew = builds.onUpdate = ({ number, complete }) => seen.push([number, complete]);
    "listening";
  }`);
  await waitFor(async () => (await read("builds.$resolved")) === true, { what: "the builds" });
  const before = await read<number>("builds.length");
  const params = JSON.stringify({ builderid: builderIds["quick"], username: "Ann <ann@example.org>" });
  const forced = await read<{ result: unknown }>(`service.control("forceschedulers", "force", "force", ${params})`);
  expect(forced.result).toEqual([expect.any(Number), { [String(builderIds["quick"])]: expect.any(Number) }]);
  // Without reading again: it knows of the new build from the event alone.
  await waitFor(async () => await read(`builds.length === ${before + 1} && builds.every((build) => build.complete)`), {
    what: "the events of the new build",
  });
  expect(await read<unknown[]>("seen")).toEqual(
    expect.arrayContaining([
      [before + 1, false],
      [before + 1, true],
    ]),
  );
  expect(problems()).toEqual([]);
});
