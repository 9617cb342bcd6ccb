import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { findOverHeld, readLockLedger } from "./lock-ledger.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

function findIn(...lines: string[]): string[] {
  const path = join(temporaryDirectory("locks"), "ledger");
  writeFileSync(path, lines.map((line) => `have ${line}\n`).join(""));
  return findOverHeld(readLockLedger(path));
}

it("finds holders whose lines lie between each other's, and more than a lock has", () => {
  expect(findIn("db:1/1 a 1", "db:1/1 a 1", "db:1/1 b 1", "db:1/1 a 2")).toEqual([]);
  expect(findIn("db:1/1 a 1", "db:1/1 b 1", "db:1/1 a 1")).toEqual(["db: a 1 and b 1 together"]);
  expect(findIn("c:1/2 a 1", "c:1/2 b 1", "c:1/2 a 1", "c:2/2 w 1")).toEqual([]);
  expect(findIn("c:1/2 a 1", "c:2/2 w 1", "c:1/2 a 1")).toEqual(["c: a 1 and w 1 together"]);
});
