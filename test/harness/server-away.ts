import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { startTcpProxy } from "./tcp-proxy.ts";

interface StepRun {
  readonly results: number;
  readonly reason?: string | undefined;
  readonly trace: { readonly log: readonly string[] };
}

/** Runs the step in a directory, on the repository at this address. */
type RunStep = (repourl: string, retry: { delay: string; times: number }) => Promise<StepRun>;

/** A step that checks out sources says that the server is away, tries again as often as it may, and keeps the directory. */
export async function expectKeptWhileAway(
  url: string,
  directory: string,
  run: RunStep,
  said: { readonly command: string; readonly reason: RegExp },
): Promise<void> {
  const proxy = await startTcpProxy({ target: url });
  const retry = { delay: "10ms", times: 1 };
  expect((await run(proxy.url(url), retry)).results).toBe(0);
  const file = join(directory, "build/kept");
  writeFileSync(file, "x");
  await proxy.refuse();
  const { reason, trace } = await run(proxy.url(url), retry);
  expect(reason).toMatch(said.reason);
  expect(trace.log.join("\n")).toContain(`${said.command} failed; retrying in 0.01 s (1 more)`);
  expect(existsSync(file)).toBe(true);
}
