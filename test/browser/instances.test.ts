import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { findSeriousProblems } from "../harness/accessibility.ts";
import { launchBrowser, openPage, type WatchedPage } from "../harness/browser.ts";
import { configFile } from "../harness/cluster.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
import { waitForTexts } from "./pages.ts";

let master: TestMaster;
let opened: WatchedPage;
const directory = temporaryDirectory("instances");
const gate = join(directory, "gate");

beforeAll(async () => {
  master = await startMaster({
    config: configFile("configs/latent-workers/cluster.ts"),
    env: {
      WORK: `until [ -e '${gate}' ]; do sleep 0.1; done`,
      INSTANCES: "2",
      MULTIMASTER_STATE: directory,
      WORKER_PORT: "0",
      UI_PORT: "0",
    },
  });
  await master.waitReady();
  opened = await openPage(await launchBrowser());
});
afterAll(() => master?.stop());

it("the page of instances shows each with its build, and ends one that a user destroys", async () => {
  const { page, problems } = opened;
  await page.goto(`${await master.url()}instances`);
  await waitForTexts(page, ["There is no instance now.", "0 running, at most 2"]);
  await master.apiPost("forceschedulers/force", "force", { builderNames: ["job"] });
  await waitForTexts(page, ["pool-1", "build 1", "1 running, at most 2"]);
  expect(await findSeriousProblems(page)).toEqual([]);

  await page.getByRole("button", { name: "Destroy" }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  // Its build is built again, on another instance.
  await waitForTexts(page, ["build 2"]);
  expect(existsSync(gate)).toBe(false);
  writeFileSync(gate, "");
  const results = await waitFor(
    async () => {
      const { body } = await master.api<{ builds: { results: number | null }[] }>("builds?order=buildid");
      const found = body.builds.map((build) => build.results);
      return found.length === 2 && found.every((result) => result !== null) && found;
    },
    { what: "the second build to end" },
  );
  expect(results).toEqual([5, 0]);
  await waitForTexts(page, ["There is no instance now."]);
  expect(problems()).toEqual([]);
});
