import { Results } from "@multimaster/core";
import { expect, it } from "vitest";
import type { StepDefinition } from "../define-step.ts";
import type { StepContext } from "../step-context.ts";
import shell from "./shell.ts";

/** The state that a shell step ends with. */
async function summarize(command: string | string[]): Promise<string | undefined> {
  const ctx = {
    build: {},
    worker: { system: "posix" },
    property: () => undefined,
    source: () => undefined,
    setState: () => {},
    shell: async () => ({ rc: 0 }),
  } as unknown as StepContext;
  const end = await (shell({ command }).plugin as StepDefinition).run(ctx, { command } as never);
  expect(end.results).toBe(Results.SUCCESS);
  return end.summary;
}

const ducks = "🦆".repeat(100_000);

it.each([
  ["make all", "'make all'"],
  [["make", "-j", "8"], "'make -j ...'"],
  [["true", "x".repeat(100_000)], `'true ${"x".repeat(100)}…'`],
  [["true", ducks], `'true ${ducks.slice(0, 100)}…'`],
  // Half of a character is none.
  [["true", `x${ducks}`], `'true x${ducks.slice(0, 98)}…'`],
])("the state of a shell step stays short", async (command, state) => expect(await summarize(command)).toBe(state));
