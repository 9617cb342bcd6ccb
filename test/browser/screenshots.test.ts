// Takes a picture of every page, by day and by night, on a desk and on a phone:
//   npm run screenshots            into .cache/screenshots
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContextOptions, Page } from "playwright-core";
import { it } from "vitest";
import { launchBrowser, openPage } from "../harness/browser.ts";
import { startCluster, type TestCluster } from "../harness/cluster.ts";
import { createGitRepository, type TestGitRepository } from "../harness/git-repository.ts";
import type { TestMaster } from "../harness/master.ts";
import { waitFor } from "../harness/wait-for.ts";

const directory = fileURLToPath(new URL("../../.cache/screenshots", import.meta.url));

const looks: Readonly<Record<string, BrowserContextOptions>> = {
  desk: { viewport: { width: 1280, height: 800 } },
  phone: { viewport: { width: 390, height: 844 }, isMobile: true, deviceScaleFactor: 2 },
};

/** What the shop's Makefile does, as its builds print it. */
const makefile = `
install:
	@echo 'added 212 packages in 2s'; sleep 0.5
compile:
	@for f in cart checkout price search stock; do echo "tsc  src/$$f.ts"; sleep 0.1; done
bundle:
	@echo 'dist/app.js  181.2 kB │ gzip: 58.9 kB'; sleep 0.4
lint:
	@echo 'Checked 214 files. No problems.'
manual:
	@echo '37 pages written'; sleep 0.2
test:
	@sh ./tests.sh
buy:
	@i=0; while [ $$i -lt 6000 ]; do i=$$((i+1)); printf '\\033[36m%4d\\033[0m visitor %d buys a teapot \\033[32mok\\033[0m\\n' $$i $$i; sleep 0.1; done
`.trimStart();

/** What the tests leave for the step junit: the search is flaky, and `price` says whether that one fails. */
const report = (price: string, search: boolean) => `
mkdir -p reports; cat > reports/unit.xml <<'END'
<testsuites><testsuite name="shop">${["cart", "checkout", "price", "search", "stock"]
  .map((name, i) => {
    const failed = name === "price" ? price : name === "search" && !search ? "waited 5 s for results" : "";
    return `<testcase classname="${name}" name="works" file="src/${name}.test.ts" time="${0.2 + i * 0.7}">${failed && `<failure message="${failed}"/>`}</testcase>`;
  })
  .join("")}</testsuite></testsuites>
END
`;

const passing = `
for t in cart checkout price search stock; do printf '\\033[32m ✓\\033[0m src/%s.test.ts \\033[2m(12 tests)\\033[0m\\n' $t; sleep 0.1; done
printf '\\n \\033[1mTests\\033[0m  \\033[32m60 passed\\033[0m (60)\\n'
`;
const passingTests = report("", true) + passing;
const shakyTests = report("", false) + passing;

const failing = `
for t in cart checkout; do printf '\\033[32m ✓\\033[0m src/%s.test.ts \\033[2m(12 tests)\\033[0m\\n' $t; sleep 0.1; done
printf '\\033[31m ❯\\033[0m src/price.test.ts \\033[2m(12 tests | 1 failed)\\033[0m\\n'
for t in search stock; do printf '\\033[32m ✓\\033[0m src/%s.test.ts \\033[2m(12 tests)\\033[0m\\n' $t; sleep 0.1; done
cat <<'END'

FAIL  src/price.test.ts > the price of a basket > rounds once, at the end
AssertionError: expected 12.34 to be 12.35

- Expected   12.35
+ Received   12.34

 src/price.test.ts:48:31
     46|   it("rounds once, at the end", () => {
     47|     const basket = [teapot, ...cups(6)];
     48|     expect(priceOf(basket)).toBe(12.35);
       |                             ^
END
printf '\\n \\033[1mTests\\033[0m  \\033[31m1 failed\\033[0m | \\033[32m59 passed\\033[0m (60)\\n'
exit 1
`;
const failingTests = report("expected 12.34 to be 12.35", true) + failing;

const ada = "Ada Lind <ada@shop.example>";
const ben = "Ben Okoro <ben@shop.example>";
const chi = "Chi Tanaka <chi@shop.example>";

it.runIf(process.env["MULTIMASTER_SCREENSHOTS"])(
  "a picture of every page",
  async () => {
    const begin = Math.floor(Date.now() / 1000) - 600;
    const repository = createGitRepository({ begin, files: { Makefile: makefile, "tests.sh": passingTests } });
    const cluster = await startCluster({ config: "test/browser/configs/shop.ts", env: { REPOSITORY: repository.url } });
    const ui = await runShop(cluster, repository);
    const ids = await builderIds(ui);
    const shots: readonly (readonly [name: string, path: string, act?: (page: Page) => Promise<void>])[] = [
      ["home", "/"],
      ["builders", "/builders"],
      ["builder", `/builders/${ids["api"]}`],
      ["build", `/builders/${ids["api"]}/builds/7`],
      ["live", `/builders/${ids["end-to-end"]}/builds/1`],
      ["log", `/builders/${ids["end-to-end"]}/builds/1/steps/2/logs/stdio?view=log`],
      ["force", `/builders/${ids["web"]}`, (page) => page.getByRole("button", { name: "Force" }).click()],
      ["changes", "/changes"],
      ["console", "/console"],
      ["grid", "/grid"],
      ["timeline", "/timeline"],
      ["tests", "/tests"],
      ["build-tests", `/builders/${ids["api"]}/builds/7?tab=tests`],
      ["queue", "/queue"],
      ["workers", "/workers"],
      ["cluster", "/cluster"],
      ["schedulers", "/schedulers"],
      ["settings", "/settings"],
      ["search", "/", (page) => page.keyboard.press("/").then(() => page.keyboard.type("a"))],
    ];
    mkdirSync(directory, { recursive: true });
    const browser = await launchBrowser();
    for (const [look, options] of Object.entries(looks))
      for (const colorScheme of ["light", "dark"] as const) {
        const { page } = await openPage(browser, { ...options, colorScheme });
        for (const [name, path, act] of shots) {
          await page.goto(new URL(path, await ui.url()).href);
          await page.locator(".page h1").waitFor();
          await act?.(page);
          // Until what is read is drawn; a live page never rests.
          await page.waitForTimeout(1500);
          await page.screenshot({ path: join(directory, `${name}-${look}-${colorScheme}.png`) });
        }
      }
  },
  600_000,
);

/** Five masters and three workers; a history of commits, of which one broke a test; a build that runs, one that waits, a drain. */
async function runShop(cluster: TestCluster, repository: TestGitRepository): Promise<TestMaster> {
  const commit = (author: string, message: string, files: Record<string, string>, branch = "main") =>
    repository.commit({ author, message, files, branch });
  const [ui, , , first, second] = await Promise.all([
    cluster.master({ roles: ["ui"], name: "ui-1" }),
    cluster.master({ roles: ["ui"], name: "ui-2" }),
    cluster.master({ roles: ["scheduler"], name: "scheduler-1" }),
    cluster.master({ roles: ["builder-engine"], name: "engine-1" }),
    cluster.master({ roles: ["builder-engine"], name: "engine-2" }),
  ]);
  await ui.waitReady();
  await cluster.ownWorkers(first, ui, ["linux-1", "linux-2"]);
  await cluster.ownWorkers(second, ui, ["arm-1"]);
  const force = async (builder: string) =>
    ui.apiPost("forceschedulers/force", "force", {
      builderNames: [builder],
      username: "Ada <ada@shop.example>",
      reason: "before the release",
    });
  let changes = 1;
  await waitForBuilds(ui, changes);
  for (const [author, message, files, branch] of [
    [ben, "Search by colour", { search: "1", "tests.sh": shakyTests }],
    [chi, "Show what is in stock", { stock: "1", "tests.sh": passingTests }],
    [ada, "Pay on delivery", { checkout: "1" }],
    [ben, "Try a new way to search", { search: "2" }, "search"],
    [chi, "Round prices once, at the end", { price: "1", "tests.sh": failingTests }],
    [ada, "Say how long a delivery takes", { delivery: "1" }],
  ] as [string, string, Record<string, string>, string?][]) {
    commit(author, message, files, branch);
    await waitForBuilds(ui, ++changes);
  }
  await force("end-to-end");
  await force("ios");
  await waitFor(async () => (await ui.api<{ builds: unknown[] }>("builds?complete=false")).body.builds.length === 1, {
    what: "the build to run",
  });
  const { body } = await ui.api<{ masters: { masterid: number; name: string }[] }>("masters");
  const engine = body.masters.find(({ name }) => name === "engine-2");
  await ui.apiPost(`masters/${engine?.masterid}`, "drain", { reason: "new release" });
  return ui;
}

/** Until the poller has seen `changes` commits and the builds of all have ended. */
async function waitForBuilds(ui: TestMaster, changes: number): Promise<void> {
  const count = async (path: string, key: string) =>
    ((await ui.api<Record<string, unknown[]>>(path)).body[key] ?? []).length;
  await waitFor(
    async () =>
      (await count("buildsets", "buildsets")) === changes &&
      (await count("buildrequests?complete=false", "buildrequests")) === 0,
    { what: `the builds of ${changes} changes to end`, timeoutMs: 120_000 },
  );
}

async function builderIds(ui: TestMaster): Promise<Readonly<Record<string, number>>> {
  const { body } = await ui.api<{ builders: { builderid: number; name: string }[] }>("builders");
  return Object.fromEntries(body.builders.map(({ name, builderid }) => [name, builderid]));
}
