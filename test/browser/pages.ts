import type { Page } from "playwright-core";

/** Ids of the builders of configs/web.ts, by name. */
export type BuilderIds = Readonly<Record<string, number>>;

/** The address of a page, and what the page must show of the cluster. */
export type KnownPage = readonly [name: string, path: (builders: BuilderIds) => string, shows: readonly string[]];

/** Every page of the app, with what it shows where configs/web.ts has run for a while. */
export const pages: readonly KnownPage[] = [
  ["home", () => "/", ["Needs attention", "tests", "live", "waits"]],
  ["failing", () => "/failing", ["tests", "in tests"]],
  ["builders", () => "/builders", ["api", "generated-0000"]],
  ["builder", ({ tests }) => `/builders/${tests}`, ["Runs the tests; they fail", "Force", "#1"]],
  ["build", ({ tests }) => `/builders/${tests}/builds/1`, ["failed in “tests”", "expected 3, got 4"]],
  ["changes", () => "/changes", ["main"]],
  ["change", () => "/changes/1", ["Files", "Makefile", "tests"]],
  ["console", () => "/console", ["api", "tests"]],
  ["grid", () => "/grid", ["api", "tests"]],
  ["timeline", () => "/timeline", ["live", "tests"]],
  ["tests", () => "/tests", ["junit"]],
  ["queue", () => "/queue", ["waits"]],
  ["locks", () => "/locks", ["Locks"]],
  ["reports", () => "/reports", ["Reports"]],
  ["workers", () => "/workers", ["attached", "away", "live"]],
  ["worker", () => "/workers/local", ["attached", "Builds"]],
  ["cluster", () => "/cluster", ["healthy", "running", "Drain"]],
  ["schedulers", () => "/schedulers", ["every-commit", "Switch off"]],
  ["settings", () => "/settings", ["Theme"]],
  ["unknown", () => "/nowhere", ["There is no page at /nowhere"]],
];

/** Waits until the page shows each of these texts somewhere. */
export async function waitForTexts(page: Page, texts: readonly string[]): Promise<void> {
  for (const text of texts) await page.getByText(text).first().waitFor();
}
