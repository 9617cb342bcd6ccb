import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { removeAtEnd } from "./cleanup.ts";

/** A new directory that is removed when the test file is over. */
export function temporaryDirectory(purpose = "test"): string {
  const directory = mkdtempSync(join(tmpdir(), `multimaster-${purpose}-`));
  removeAtEnd(directory);
  return directory;
}
