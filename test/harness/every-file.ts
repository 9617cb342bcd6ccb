import { afterAll, afterEach } from "vitest";
import { cleanUp } from "./cleanup.ts";
import { forgetTales, tellAll } from "./report-on-failure.ts";

// Run by vitest before each test file, also where files share one process and its modules: a test that fails, or forgets,
// leaves nothing behind.
afterAll(async () => {
  forgetTales();
  await cleanUp();
}, 120_000);

afterEach(({ task }) => {
  if (task.result?.state === "fail") tellAll(task.name);
});
