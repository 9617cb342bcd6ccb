import { copyFileSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { configFile } from "../harness/cluster.ts";
import { createGitRepository } from "../harness/git-repository.ts";
import { startMaster, type TestMaster } from "../harness/master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";

const timeLimit = { timeout: 60_000 };
const ann = { "X-Forwarded-User": "ann", "X-Email": "ann@example.org", "X-Name": "Ann Example" };

let browser: Browser;
let master: TestMaster;
let url: string;

beforeAll(async () => {
  const directory = temporaryDirectory("visitor");
  const config = join(directory, "cluster.ts");
  copyFileSync(configFile("test/browser/configs/visitor.ts"), config);
  const repository = createGitRepository({ files: { Makefile: "all:\n\t@echo compiled\n" } });
  master = await startMaster({
    config,
    env: { REPOSITORY: repository.path, UI_PORT: "0", DATABASE_URL: `sqlite:${join(directory, "visitor.sqlite")}` },
  });
  browser = await launchBrowser();
  url = await master.url();
  await master.waitReady();
  await built(1);
  repository.commit({ files: { a: "1" }, message: "Make it fast", author: "Ann Example <ann@example.org>" });
  await built(2);
  repository.commit({ files: { b: "1" }, message: "Make it blue", author: "Joann <joann@example.org>" });
  await built(3);
  repository.commit({ branch: "next", files: { c: "1" }, message: "Try it", author: "Joann <joann@example.org>" });
});

afterAll(async () => {
  await browser?.close();
  await master?.stop();
});

function built(count: number): Promise<unknown> {
  return waitFor(async () => (await master.api<{ builds: [] }>("builds?complete=true")).body.builds.length === count, {
    what: `${count} builds`,
    timeoutMs: 60_000,
  });
}

async function force(more: object): Promise<void> {
  const asked = await master.fetch("api/v2/forceschedulers/force", {
    method: "POST",
    headers: { ...ann, "content-type": "application/json" },
    body: JSON.stringify({
      jsonrpc: "2.0",
      id: 1,
      method: "force",
      params: { username: "Ann <ann@example.org>", ...more },
    }),
  });
  expect(asked.status).toBe(200);
}

async function open(path: string, headers: Record<string, string> = ann): Promise<Page> {
  const { page } = await openPage(browser, { extraHTTPHeaders: headers });
  await page.goto(new URL(path, url).href);
  return page;
}

it("finds their own changes on the first page, with what became of each", async () => {
  const page = await open("/");
  const mine = page.locator(".panel", { hasText: "My changes" });
  await mine.getByText("Make it fast").waitFor(timeLimit);
  await mine.getByRole("link", { name: "app #2: success" }).waitFor(timeLimit);
  expect(await mine.locator("[data-row]").count()).toBe(1);

  const anonymous = await open("/", {});
  await anonymous.getByText("Recently finished").waitFor(timeLimit);
  await anonymous.getByText("app #3").first().waitFor(timeLimit);
  expect(await anonymous.getByText("My changes").count()).toBe(0);
});

it("sees when each scheduler ran last and runs next", async () => {
  const page = await open("/schedulers");
  const row = (name: string) => page.locator("tr", { has: page.getByRole("cell", { name, exact: true }) });
  await row("calm")
    .getByText(/in \d+:\d\d/)
    .waitFor(timeLimit);
  await row("calm").getByText("1 change waits").waitFor(timeLimit);
  await row("main").getByText("with the next change").waitFor(timeLimit);
  await row("main")
    .getByText(/ago|now/)
    .waitFor(timeLimit);
  await row("force").getByText("when a user requests it").waitFor(timeLimit);
  await row("try").getByText("when a user tries a difference").waitFor(timeLimit);
  // What is kept for the next run is shown with it.
  for (const name of ["yearly", "release"]) await row(name).locator("time").first().waitFor(timeLimit);
  await row("release")
    .getByText(/builds main [0-9a-f]{10}, triggered by build 3/)
    .waitFor(timeLimit);
});

it("asks for a build again with other values, beginning with those it had", async () => {
  await force({ builderNames: ["app"], branch: "main", target: "arm", verbose: true });
  await built(4);

  const { body: found } = await master.api<{ builders: { builderid: number }[] }>("builders/app");
  const page = await open(`/builders/${found.builders[0]?.builderid}/builds/4`);
  await page.getByRole("button", { name: "Change and rebuild" }).click(timeLimit);
  const form = page.getByRole("dialog");
  await form.getByLabel("target").waitFor(timeLimit);
  expect(await form.getByLabel("target").inputValue()).toBe("arm");
  expect(await form.getByLabel("verbose").isChecked()).toBe(true);
  expect(await form.getByLabel("Branch").inputValue()).toBe("main");
  await form.getByLabel("target").fill("riscv");
  await form.getByLabel("Your name").fill("Ann <ann@example.org>");
  await form.getByRole("button", { name: "Force" }).click();
  await page.waitForURL(/buildrequests|builds\/\d+/, timeLimit);
  await built(5);
  const { body } = await master.api<{ builds: { properties: object }[] }>("builders/app/builds/5?property=*");
  expect(body.builds[0]?.properties).toMatchObject({
    target: ["riscv", "Force Build Form"],
    verbose: [true, "Force Build Form"],
    branch: ["main", expect.anything()],
  });
});

it("makes what waits more or less urgent, and cancels it", async () => {
  await force({ builderNames: ["waits"], priority: 3 });
  const page = await open("/queue");
  const row = page.locator("tr", { hasText: "waits" });
  await row.getByText("None of its workers is attached: away is away.").waitFor(timeLimit);
  await row.getByRole("button", { name: "more urgent" }).click();
  await row.getByText("4", { exact: true }).waitFor(timeLimit);
  await row.getByRole("button", { name: "less urgent" }).click();
  await row.getByText("3", { exact: true }).waitFor(timeLimit);
  await row.getByRole("button", { name: "Cancel" }).click();
  await row.getByRole("button", { name: "Yes" }).click();
  await page.getByText("Nothing waits").waitFor(timeLimit);
});
