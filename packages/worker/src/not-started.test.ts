import { spawn } from "node:child_process";
import { expect, it } from "vitest";
import { explainNotStarted } from "./not-started.ts";

/** How the system refuses it. */
function failure(program: string, args: readonly string[], env: Record<string, string> = {}): Promise<Error> {
  return new Promise((resolve) => {
    try {
      spawn(program, args, { env }).on("error", resolve);
    } catch (error) {
      resolve(error as Error);
    }
  });
}

it.each([
  [
    "an argument that is too long",
    "/bin/echo",
    ["x".repeat(200_000)],
    /^cannot run "\/bin\/echo": the command, .* longer .*initialStdin.*E2BIG/,
  ],
  ["a program that is not there", "/no/such/program", [], /no such program on the PATH of the worker.*ENOENT/],
  ["a directory", "/tmp", [], /it is a directory.*EACCES/],
  ["a null character", "/bin/echo", ["a\0b"], /contains a null character/],
] as const)("says why %s is not run", async (_, program, args, expected) => {
  const sentence = explainNotStarted(program, await failure(program, args));
  expect(sentence).toMatch(expected);
  expect(sentence.length).toBeLessThan(600);
});

it("says the same of the environment", async () => {
  expect(explainNotStarted("x", await failure("/bin/echo", [], { LONG: "x".repeat(200_000) }))).toContain(
    "environment",
  );
});
