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

beforeAll(async () => {
  const env = { MULTIMASTER_STATE: temporaryDirectory("approvals"), UI_PORT: "0" };
  master = await startMaster({ config: configFile("test/browser/configs/approvals.ts"), env });
  await master.waitReady();
  opened = await openPage(await launchBrowser());
});
afterAll(() => master?.stop());

it("the page of a stranger's request says that it waits, and a user approves or rejects it there", async () => {
  const { page, problems } = opened;
  for (const revision of ["a".repeat(40), "b".repeat(40)])
    await master.apiPost("forceschedulers/force", "force", {
      builderNames: ["check"],
      branch: "refs/pull/7/head",
      revision,
    });
  const waits = (revision: string) =>
    `pull request of a stranger (refs/pull/7/head at ${revision.slice(0, 12)}) waits for approval`;
  await page.goto(`${await master.url()}buildrequests/1`);
  await waitForTexts(page, [waits("aaaaaaaaaaaa"), "Approve", "Reject"]);
  expect(await findSeriousProblems(page)).toEqual([]);
  await page.goto(`${await master.url()}buildrequests/2`);
  await page.getByRole("button", { name: "Reject" }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  await waitForTexts(page, ["rejected by anonymous", "cancelled: anonymous rejected it"]);
  await page.goto(`${await master.url()}buildrequests/1`);
  await page.getByRole("button", { name: "Approve" }).click();
  const built = async () => (await master.api<{ builds: { results: number }[] }>("builds?complete=true")).body.builds;
  await waitFor(async () => (await built()).length === 1, { what: "the approved build" });
  // The page of a request leads on to its build while that runs.
  await page.goto(`${await master.url()}buildrequests/1`);
  await waitForTexts(page, ["approved by anonymous", "#1"]);
  expect(problems()).toEqual([]);
});
