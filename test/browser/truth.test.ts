// What the pages say of a scripted day, beside what its own ledger knows.
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { findSeriousProblems } from "../harness/accessibility.ts";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { type Member, startMasters } from "../harness/masters-with-data.ts";
import { type RestServer, startRestServer } from "../harness/rest-server.ts";
import { inProject, type ScriptedHistory, scriptHistory, type TrulyFailing } from "../harness/scripted-history.ts";
import { waitFor } from "../harness/wait-for.ts";

const timeLimit = { timeout: 20_000 };

let browser: Browser;
let server: RestServer;
let history: ScriptedHistory;
let builderIds: Readonly<Record<string, number>>;

beforeAll(async () => {
  const masters = await startMasters("sqlite");
  const members: Member[] = [await masters.join(), await masters.join()];
  server = await startRestServer(masters.database);
  history = await scriptHistory("tuesday", members);
  browser = await launchBrowser();
  const { body } = await server.get("/api/v2/builders");
  builderIds = Object.fromEntries(
    body.builders.map((each: { name: string; builderid: number }) => [each.name, each.builderid]),
  );
});

/** What a row says, in words that stand on it in this order. */
const wordsOf = ({ builder, branch, newest, count, firstBad, lastGood }: TrulyFailing) =>
  [
    `${builder} #${newest}`,
    branch,
    count > 1 ? `${count} builds, since #${firstBad}` : `since #${firstBad}`,
    lastGood === null ? "no build of it passed" : `last good #${lastGood}`,
  ].join(" … ");

async function readRows(page: Page): Promise<string[]> {
  const rows = await page.locator(".failing-row").allInnerTexts();
  return rows.map((text) => {
    const line = text.replace(/\s+/g, " ");
    const found =
      /(\S+ #\d+) (main|release\/1|feature\/blue) .*?((?:\d+ builds, )?since #\d+) .*?(last good #\d+|no build of it passed)/.exec(
        line,
      );
    return found ? found.slice(1).join(" … ") : line;
  });
}

async function expectRows(page: Page, failing: readonly TrulyFailing[]): Promise<void> {
  const wanted = failing.map(wordsOf).sort();
  let seen: string[] = [];
  await waitFor(
    async () => {
      seen = (await readRows(page)).sort();
      return JSON.stringify(seen) === JSON.stringify(wanted);
    },
    { what: "the rows of what fails", timeoutMs: 15_000 },
  ).catch(() => expect(seen).toEqual(wanted));
}

it("home and the page of failures show what is true, at several moments of the day", async () => {
  const { page, problems } = await openPage(browser);
  // Before the first build.
  await page.goto(server.url);
  await page.getByText("4 builders are configured").waitFor(timeLimit);
  await page.getByText("Start the first build").waitFor(timeLimit);
  expect(await findSeriousProblems(page)).toEqual([]);
  let seen = 0;
  for (let moment = 0; moment < 4; moment += 1) {
    await history.play(80);
    const failing = history.failing();
    await page.goto(server.url);
    await page.getByText("Needs attention").waitFor(timeLimit);
    await expectRows(
      page,
      failing.filter(({ branch }) => branch !== "feature/blue"),
    );
    await page.getByRole("combobox", { name: "Project" }).selectOption(inProject.name);
    await page.getByRole("heading", { level: 1, name: inProject.name }).waitFor(timeLimit);
    await expectRows(
      page,
      failing.filter(({ builder, branch }) => builder === inProject.builder && branch !== "feature/blue"),
    );
    await page.goto(new URL("/failing", server.url).href);
    await expectRows(page, failing);
    seen += failing.length;
  }
  expect(seen).toBeGreaterThan(8);
  expect(problems()).toEqual([]);
});

it("a search goes to the server, and says what it found nothing of", async () => {
  const { page } = await openPage(browser);
  const failing = history.failing();
  const [one] = failing;
  await page.goto(new URL("/failing", server.url).href);
  await page.getByRole("searchbox").fill(`${one?.builder.toUpperCase()} ${one?.branch}`);
  await expectRows(
    page,
    failing.filter(({ builder, branch }) => builder === one?.builder && branch === one?.branch),
  );
  await page.getByRole("searchbox").fill("no such builder");
  await page.getByText("Nothing that fails matches the filter.").waitFor(timeLimit);
});

it("a failed build leads to the last good one, with the changes between them", async () => {
  const { page, problems } = await openPage(browser);
  const broken = history.failing().filter(({ lastGood, suspects }) => lastGood !== null && suspects.length > 0);
  expect(broken.length).toBeGreaterThan(0);
  for (const { builder, firstBad, lastGood, suspects } of broken.slice(0, 3)) {
    await page.goto(new URL(`/builders/${builderIds[builder]}/builds/${firstBad}?tab=compare`, server.url).href);
    await page.getByText(`Compared with ${builder} #${lastGood}`).waitFor(timeLimit);
    await page.getByText("This build has a newer source.").waitFor(timeLimit);
    const changes = page.locator(".panel", { has: page.getByRole("heading", { name: "Changes" }) });
    expect(await changes.locator("code").allInnerTexts()).toEqual(suspects.map((revision) => revision.slice(0, 16)));
    await page.getByRole("link", { name: `Changes ${suspects.length}` }).click(timeLimit);
    await page.getByText(`since #${lastGood}, which succeeded`).waitFor(timeLimit);
  }
  expect(await findSeriousProblems(page)).toEqual([]);
  expect(problems()).toEqual([]);
});

it("a builder's page shows on which branches it fails, and its builds by branch and result", async () => {
  const { page, problems } = await openPage(browser);
  const failing = history.failing();
  const [{ builder } = { builder: "" }] = failing;
  await page.goto(new URL(`/builders/${builderIds[builder]}`, server.url).href);
  await expectRows(
    page,
    failing.filter((each) => each.builder === builder),
  );
  await page.getByLabel("Branch").fill("release/1");
  await page.getByText("All branches").waitFor(timeLimit);
  await page.getByLabel("Result").selectOption("failure");
  const wanted = history.builds
    .filter((each) => each.builder === builder && each.branch === "release/1" && each.counts && each.results === 2)
    .map(({ number }) => `#${number}`)
    .sort();
  await waitFor(
    async () =>
      JSON.stringify((await page.locator("tbody td:first-child").allInnerTexts()).sort()) === JSON.stringify(wanted),
    { what: "the failed builds of the branch", timeoutMs: 15_000 },
  );
  expect(problems()).toEqual([]);
});

it("a user says that he is on it, comments, and mutes a failure, which is folded below the others", async () => {
  const { page, problems } = await openPage(browser);
  const failing = history.failing();
  const [one] = failing;
  await page.goto(new URL("/failing", server.url).href);
  const row = page
    .locator(".failing-row")
    .filter({ hasText: `${one?.builder} #${one?.newest}` })
    .filter({ hasText: one?.branch ?? "" });
  await row.getByRole("button", { name: "I am on it" }).click(timeLimit);
  await row.getByText("is on it").waitFor(timeLimit);
  await row.getByRole("button", { name: "Comment" }).click(timeLimit);
  await page.getByRole("dialog").getByRole("textbox").fill("The disk is full: <b>again</b>");
  await page.getByRole("dialog").getByRole("button", { name: "Comment", exact: true }).click(timeLimit);
  await row.getByText("The disk is full: <b>again</b>").waitFor(timeLimit);
  await row.getByRole("button", { name: "Mute" }).click(timeLimit);
  await page.getByRole("dialog").getByRole("button", { name: "Mute", exact: true }).click(timeLimit);
  await page.getByText("'text' must be the reason, a text of at most 2000 characters").waitFor(timeLimit);
  await page.getByRole("dialog").getByRole("textbox").fill("known, ticket 7");
  await page.getByRole("dialog").getByRole("button", { name: "Mute", exact: true }).click(timeLimit);
  const muted = page.locator("details.muted");
  await muted.getByText("1 muted").click(timeLimit);
  await muted.getByText("until a build passes: known, ticket 7").waitFor(timeLimit);
  await expectRows(page, failing);
  expect(await findSeriousProblems(page)).toEqual([]);

  await page.goto(new URL(`/builders/${builderIds[one?.builder ?? ""]}/builds/${one?.newest}`, server.url).href);
  await page.getByText("The disk is full: <b>again</b>").waitFor(timeLimit);
  await page.getByRole("button", { name: "Unmute" }).click(timeLimit);
  await page.getByText("known, ticket 7").waitFor({ ...timeLimit, state: "detached" });
  expect(await findSeriousProblems(page)).toEqual([]);
  // The browser notes the answer to the mute without a reason.
  expect(problems().filter((text) => !text.includes("400"))).toEqual([]);
});

it("a commit's page says how many builders pass, and builds again what failed", async () => {
  const { page, problems } = await openPage(browser);
  const { changeid, revision, builds } = await findFailedCommit();
  const isGood = (results: number | null) => results === 0 || results === 1;
  const failed = builds.filter(({ results }) => !isGood(results)).map(({ buildid }) => buildid);
  await page.goto(new URL(`/commits/${encodeURIComponent(revision)}`, server.url).href);
  await page.waitForURL(`**/changes/${changeid}`, timeLimit);
  await page.getByText(`${builds.length - failed.length} of ${builds.length} builder`).waitFor(timeLimit);
  await page.getByRole("button", { name: "Build again what failed" }).click(timeLimit);
  if (failed.length > 1) await page.getByRole("button", { name: "Yes" }).click(timeLimit);
  await waitFor(
    async () => {
      const { body } = await server.get("/api/v2/buildsets?complete=false");
      const sets = body.buildsets as { rebuilt_buildid: number | null }[];
      const again = sets.flatMap(({ rebuilt_buildid }) => rebuilt_buildid ?? []);
      return JSON.stringify(again.sort()) === JSON.stringify([...failed].sort());
    },
    { what: "the failed builds to be asked for again", timeoutMs: 15_000 },
  );
  expect(await findSeriousProblems(page)).toEqual([]);
  expect(problems()).toEqual([]);
});

/** A commit that some builder fails on by its newest build, with the newest build of each builder, all of which have ended. */
async function findFailedCommit() {
  const { body } = await server.get("/api/v2/changes?order=-changeid");
  for (const { changeid, revision } of body.changes as { changeid: number; revision: string }[]) {
    const found = (await server.get(`/api/v2/changes/${changeid}/builds`)).body.builds as { buildid: number }[];
    const ids = new Set(found.map(({ buildid }) => buildid));
    const newest = new Map<string, (typeof history.builds)[number]>();
    for (const build of history.builds)
      if (ids.has(build.buildid) && build.buildid > (newest.get(build.builder)?.buildid ?? 0))
        newest.set(build.builder, build);
    const builds = [...newest.values()];
    const hasEnded = builds.every(({ results }) => results !== null && [0, 1, 2, 4].includes(results));
    if (hasEnded && builds.some(({ results }) => results === 2 || results === 4)) return { changeid, revision, builds };
  }
  throw new Error("no builder fails on any commit");
}

it("a branch's page says over all builders how it stands, leads to their builds, and builds again what failed", async () => {
  const { page, problems } = await openPage(browser);
  await history.settle();
  const failing = history.failing();
  const isGood = (results: number | null) => results === 0 || results === 1;
  const isCounted = (results: number | null) => isGood(results) || results === 2 || results === 4;
  for (const branch of ["main", "release/1", "feature/blue"]) {
    const own = history.builds.filter((each) => each.branch === branch && each.counts && isCounted(each.results));
    const builders = new Set(own.map(({ builder }) => builder));
    const failed = failing.filter((each) => each.branch === branch);
    await page.goto(new URL(`/branches/${branch}`, server.url).href);
    const words = `${builders.size - failed.length} of ${builders.size === 1 ? "1 builder" : `${builders.size} builders`} pass`;
    await page.getByText(failed.length > 0 ? `${words}, ${failed.length} fail` : words).waitFor(timeLimit);
    await expectRows(page, failed);
  }
  // Of a builder that builds already, nothing is asked for again.
  const idle = await findIdleFailure();
  await page.goto(new URL("/failing", server.url).href);
  await page
    .locator(".failing-row", { hasText: idle.branch })
    .first()
    .getByRole("link", { name: idle.branch, exact: true })
    .click(timeLimit);
  await page.waitForURL(`**/branches/${idle.branch}`, timeLimit);
  await page.getByRole("button", { name: "Build again what failed" }).click(timeLimit);
  if (idle.count > 1) await page.getByRole("button", { name: "Yes" }).click(timeLimit);
  await page.locator(".build-tree .token.pending").first().waitFor(timeLimit);
  expect(await findSeriousProblems(page)).toEqual([]);

  await page.keyboard.press("/");
  await page.getByRole("combobox").fill("feature/blu");
  await page.getByRole("option", { name: "feature/blue branch" }).click(timeLimit);
  await page.waitForURL("**/branches/feature/blue", timeLimit);
  expect(problems()).toEqual([]);
});

/** A branch with builders that fail, and that nothing builds now. */
async function findIdleFailure(): Promise<{ branch: string; count: number }> {
  for (const { branch } of history.failing()) {
    const { body } = await server.get(`/api/v2/branch_builders/${encodeURIComponent(branch)}`);
    const rows = body.branch_builders as { failing: boolean; running: number; waiting: number }[];
    const count = rows.filter((row) => row.failing && row.running + row.waiting === 0).length;
    if (count > 0) return { branch, count };
  }
  throw new Error("nothing fails that is not built again already");
}
