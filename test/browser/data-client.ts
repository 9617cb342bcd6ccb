import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Page } from "playwright-core";

const require = createRequire(import.meta.url);

/** Opens a page of the master with nothing in it but AngularJS and Buildbot's data client, as npm has them. */
export async function openDataClient(page: Page, url: string): Promise<void> {
  // A page without a script of its own; the client takes the address of its page for the root of the master.
  await page.goto(new URL("api/v2/openapi", url).href);
  await page.evaluate("document.body.replaceChildren(); history.replaceState(null, '', '/')");
  const main = require.resolve("buildbot-data-js");
  // Each file is a module of its own, which finds AngularJS as a global.
  for (const file of [require.resolve("angular/angular.js"), main, ...readRequired(main)])
    await page.evaluate(`((require) => {${readFileSync(file, "utf8")}\n})(() => {})`);
}

function readRequired(main: string): string[] {
  const required = readFileSync(main, "utf8").matchAll(/require\('(.+?)'\)/g);
  return [...required].map(([, path]) => join(dirname(main), path as string));
}
