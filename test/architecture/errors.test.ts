import { join } from "node:path";
import { errors, type UserError } from "@multimaster/core";
import { describe, expect, it } from "vitest";
import { root } from "./source-files.ts";

describe("the errors catalogue", () => {
  it("has a different code for every error", () => {
    const codes = listErrors().map((error) => error.code);
    expect(codes.filter((code, index) => codes.indexOf(code) !== index)).toEqual([]);
    expect(codes.filter((code) => !/^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/.test(code))).toEqual([]);
  });

  // After a change to the catalogue, write the page again: npx vitest run --config test/vitest.config.ts test/architecture/errors.test.ts -u
  it("is what docs/errors.md says", async () => {
    await expect(renderPage()).toMatchFileSnapshot(join(root, "docs/errors.md"));
  });
});

/** Every error once, with "…" for what the occasion fills in. */
function listErrors(): UserError[] {
  // An array of one reads as its element in a sentence, and has the methods of the lists that some errors take.
  const filled = Array.from({ length: 8 }, () => ["…"]);
  return Object.values(errors).map((create) => (create as unknown as (...args: unknown[]) => UserError)(...filled));
}

function renderPage(): string {
  const rows = listErrors()
    .sort((a, b) => (a.code < b.code ? -1 : 1))
    .map(({ code, status, exitCode, message }) => {
      const sentence = message.replaceAll(/\s*\n\s*/g, " ").replaceAll("|", "\\|");
      return `| \`${code}\` | ${status} | ${exitCode} | ${sentence} |`;
    });
  return [
    "# Errors",
    "",
    "Every error that a user or operator can meet: its code, the HTTP status when it answers a request, the exit code when it",
    "ends a command, and its sentence (… is filled in). Exit codes: 1 unexpected or a failed build, 2 wrong command line or",
    "configuration, 3 something the master needs cannot be had.",
    "",
    "| code | HTTP | exit | sentence |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
}
