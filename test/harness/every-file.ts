import { afterAll, afterEach, vi } from "vitest";
import { cleanUp } from "./cleanup.ts";
import { checkNodeWarnings, forgetPrograms } from "./node-warnings.ts";
import { forgetTales, tellAll } from "./report-on-failure.ts";

// Run by vitest before each test file. Files share a process and its modules: a test that fails, or forgets, leaves
// nothing behind for the next file. So no module of the harness may register hooks when it is loaded, nor keep what a file started.
afterAll(async () => {
  forgetTales();
  forgetPrograms();
  vi.unstubAllEnvs();
  await cleanUp();
}, 120_000);

afterEach(({ task }) => {
  if (task.result?.state === "fail") tellAll(task.name);
  checkNodeWarnings();
});
