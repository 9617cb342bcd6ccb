import { join } from "node:path";
import { hashPassword } from "@multimaster/core";
import type { Browser, Page } from "playwright-core";
import { beforeAll, expect, it } from "vitest";
import { findSeriousProblems } from "../harness/accessibility.ts";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { configFile } from "../harness/cluster.ts";
import { startMaster } from "../harness/master.ts";
import { startNginxBelow } from "../harness/nginx.ts";
import { freePort } from "../harness/ports.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";

let browser: Browser;
let url: string;
let hash: string;

beforeAll(async () => {
  hash = await hashPassword("correct horse");
  const directory = temporaryDirectory("guarded");
  const master = await startMaster({
    config: configFile("test/browser/configs/guarded.ts"),
    env: {
      DATABASE_URL: `sqlite:${join(directory, "guarded.sqlite")}`,
      WORKER_BASEDIR: join(directory, "workers"),
      PASSWORD_HASH: hash,
    },
  });
  browser = await launchBrowser();
  url = await master.url();
  await master.waitReady();
});

async function open(path: string): Promise<Page> {
  const { page } = await openPage(browser);
  await page.goto(new URL(path, url).href);
  return page;
}

async function logIn(page: Page, name: string): Promise<void> {
  await page.getByRole("link", { name: "Log in" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill("correct horse");
  await page.getByRole("button", { name: "Log in" }).click();
}

/** By the keyboard: the question has the focus, and Enter in its reason is yes. */
async function pause(page: Page, reason = ""): Promise<void> {
  await page.getByRole("button", { name: "Pause" }).press("Enter");
  await page.locator("input:focus").fill(reason);
  await page.keyboard.press("Enter");
}
const refusal = (page: Page) => page.getByRole("alert").textContent();

it("a click that is not allowed is refused beside the button, with who may do it; an allowed click acts", async () => {
  const page = await open("/workers");
  await pause(page);
  expect(await refusal(page)).toBe("You may not pause workers: that is for the role operators; log in first.");

  await logIn(page, "bob");
  await page.getByText("bob").waitFor();
  expect(new URL(page.url()).pathname).toBe("/workers");
  await pause(page);
  expect(await refusal(page)).toBe("You may not pause workers: that is for the role operators.");
  expect(await page.locator("button:focus").textContent()).toBe("Pause");

  await page.getByRole("link", { name: "Log out" }).click();
  await logIn(page, "ann");
  await page.goto(new URL("/workers", url).href);
  await pause(page, "its disk is full");
  await page
    .getByRole("row", { name: /^local/ })
    .getByText("paused its disk is full")
    .waitFor();
  expect(await page.getByRole("alert").count()).toBe(0);
});

it("who did what, and who was refused it, is a page for those who control, and a link for no one else", async () => {
  const page = await open("/audit");
  const refused = "You may not read audit entries: that is for the role operators";
  await page.getByText(`${refused}; log in first.`).waitFor();
  await logIn(page, "bob");
  await page.getByText(`${refused}.`).waitFor();
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("link", { name: "Schedulers" }).waitFor();
  expect(await page.getByRole("link", { name: "Audit trail" }).count()).toBe(0);

  await page.getByRole("link", { name: "Log out" }).click();
  await logIn(page, "ann");
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("link", { name: "Audit trail" }).click();
  await page
    .getByRole("row", { name: /ann session 127\.0\.0\.1 login sessions done/ })
    .first()
    .waitFor();
  await page.getByRole("row", { name: /ann session 127\.0\.0\.1 pause workers\/\d+ done/ }).waitFor();
  await page.getByRole("row", { name: /bob session 127\.0\.0\.1 pause workers\/\d+ refused/ }).waitFor();
  expect(await findSeriousProblems(page)).toEqual([]);
});

it("workers are added and revoked on a page for those who may; the secret is shown once", async () => {
  const page = await open("/worker-accounts");
  await page.getByText("You may not read worker accounts: that is for the role operators; log in first.").waitFor();
  await logIn(page, "ann");
  await page.getByRole("button", { name: "More" }).click();
  await page.getByRole("link", { name: "Worker accounts" }).click();
  await page.getByText("No workers were added at run time.").waitFor();
  await page.getByRole("button", { name: "Add worker" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Name, as builders").fill("new-1");
  await dialog.getByLabel("Owner").fill("ann@example.org");
  await dialog.getByLabel("Missing after").fill("soon");
  await dialog.getByRole("button", { name: "Add worker" }).click();
  await dialog.getByRole("alert").filter({ hasText: "must be seconds" }).waitFor();
  await dialog.getByLabel("Missing after").fill("12h");
  await dialog.getByRole("button", { name: "Add worker" }).click();
  await dialog.getByText(/^mmw_[\w-]{43}$/).waitFor();
  expect(await findSeriousProblems(page)).toEqual([]);
  await dialog.getByRole("button", { name: "Done" }).click();

  const row = page.getByRole("row", { name: /^new-1 valid 1 not pb ann@example\.org/ });
  await row.waitFor();
  expect(await page.getByText(/mmw_/).count()).toBe(0);
  await row.getByRole("button", { name: "Revoke" }).click();
  await row.getByRole("button", { name: "Yes" }).click();
  await page.getByRole("row", { name: /^new-1 revoked/ }).waitFor();
  expect(await page.getByRole("button", { name: "Revoke" }).count()).toBe(0);
  expect(await findSeriousProblems(page)).toEqual([]);
});

it("a form that is not allowed says so in place", async () => {
  const page = await open("/builders/1");
  await page.getByRole("button", { name: "Force" }).click();
  await page.getByLabel("Your name").fill("Bob <bob@example.org>");
  await page.getByRole("dialog").getByRole("button", { name: "Start build" }).click();
  await page.getByRole("dialog").getByText("that is for the role operators; log in first.").waitFor();
});

it("a page whose rows one may not read says who may, and shows them after the login", async () => {
  const page = await open("/cluster");
  await page.getByText("You may not read masters: that is for users who are logged in; log in first.").waitFor();
  await logIn(page, "bob");
  await page.getByText("healthy").waitFor();
});

it("below a path of another server all of it works: pages, links, events, login", async () => {
  const name = "ci";
  const directory = temporaryDirectory("below");
  const uiPort = await freePort();
  const port = await startNginxBelow(uiPort);
  const below = `http://127.0.0.1:${port}/${name}/`;
  const master = await startMaster({
    config: configFile("test/browser/configs/guarded.ts"),
    env: {
      DATABASE_URL: `sqlite:${join(directory, "below.sqlite")}`,
      WORKER_BASEDIR: join(directory, "workers"),
      PASSWORD_HASH: hash,
      UI_PORT: String(uiPort),
      URL: below,
    },
  });
  await master.waitReady();
  const { page } = await openPage(browser);
  const outside: string[] = [];
  page.on("request", (request) => {
    if (/^(http|ws)/.test(request.url()) && !request.url().includes(`:${port}/${name}/`)) outside.push(request.url());
  });
  const sockets: string[] = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));

  // Deep inside, as a user who was sent the address.
  await page.goto(`${below}builders/1`);
  await page.getByRole("heading", { name: "web" }).waitFor();
  await page.getByRole("link", { name: "Workers" }).first().click();
  await page.waitForURL(`${below}workers`);
  await page.reload();
  await logIn(page, "ann");
  await page.getByText("ann").waitFor();
  expect(page.url()).toBe(`${below}workers`);
  const cookies = await page.context().cookies();
  expect(cookies.map(({ name: cookie, path }) => [cookie, path])).toEqual([["mm-session", `/${name}/`]]);

  await page.getByRole("link", { name: "Builders" }).first().click();
  await page.getByRole("link", { name: "web", exact: true }).first().click();
  await page.waitForURL(`${below}builders/1`);
  const force = await page.evaluate(async (address) => {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "force", params: {} });
    const answer = await fetch(address, { method: "POST", headers: { "content-type": "application/json" }, body });
    return answer.status;
  }, `${below}api/v2/forceschedulers/force`);
  expect(force).toBe(200);
  // The page hears of it over the socket below the path, and links to it there.
  const build = page.locator(`a[href="/${name}/builders/1/builds/1"]`).first();
  await build.waitFor();
  await build.click();
  await page.waitForURL(`${below}builders/1/builds/1`);
  await page.goto(`${below}builders/1/builds/1/steps/1/logs/stdio`);
  await page.locator(`a[href$="/raw"]`).waitFor();
  const hrefs = await page
    .locator("a[href]")
    .evaluateAll((links) => links.map((link) => link.getAttribute("href") ?? ""));
  expect(hrefs.filter((href) => href.startsWith("/") && !href.startsWith(`/${name}/`))).toEqual([]);
  const raw = hrefs.find((href) => href.endsWith("/raw")) as string;
  expect((await page.request.get(`http://127.0.0.1:${port}${raw}`)).status()).toBe(200);

  await page.getByRole("link", { name: "Log out" }).click();
  await page.getByRole("link", { name: "Log in" }).waitFor();
  expect(page.url()).toBe(below);
  expect(sockets.filter((address) => address !== `${below.replace("http", "ws")}ws`)).toEqual([]);
  expect(outside).toEqual([]);
  for (const [path, holds] of [
    ["api", `${below}api/v2`],
    ["cc.xml", `${below}#/builders/1`],
    ["badges/web.svg", "<svg"],
    ["api/v2/openapi.json", `"/${name}/api/v2"`],
    ["sse/listen/builds/*/*", undefined],
  ] as const) {
    const abort = new AbortController();
    const answer = await fetch(below + path, { signal: abort.signal });
    expect([path, answer.status]).toEqual([path, 200]);
    if (holds) expect(await answer.text()).toContain(holds);
    abort.abort();
  }
  await master.stop();
});
