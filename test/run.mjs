// `npm test`: installs, builds and sets up what is missing, runs the tests, and ends with one plain line.
//   npm test -- --quick          unit tests only: no component is needed
//   npm test -- packages/core    the tests under a path; anything else that vitest understands is passed on, too
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { exitCodeOf, prepare, root } from "../packages/cli/bin/prepare.mjs";
import { reportSetUp } from "./setup.mjs";

const given = process.argv.slice(2);
const isQuick = given.includes("--quick");
const results = join(
  resolve(process.env.MULTIMASTER_CACHE || join(root, ".cache")),
  `test-results-${process.pid}.json`,
);

const prepared = await exitCodeOf(() => {
  prepare();
  return 0;
});
if (prepared !== 0 || !(isQuick || reportSetUp())) conclude({ passed: 0, failed: 1, skipped: 0 });
else conclude(runVitest());

function runVitest() {
  mkdirSync(join(results, ".."), { recursive: true });
  const projects = isQuick ? ["--project", "unit"] : [];
  const args = [
    "run",
    "--config",
    "test/vitest.config.ts",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${results}`,
  ];
  const run = spawnSync(
    process.execPath,
    [
      join(root, "node_modules", "vitest", "vitest.mjs"),
      ...args,
      ...projects,
      ...given.filter((argument) => argument !== "--quick"),
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
  );
  const counts = countResults();
  // An error outside any test, or a crash of the runner itself, must not pass for success.
  return run.status === 0 || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

function countResults() {
  try {
    const report = JSON.parse(readFileSync(results, "utf8"));
    // A file that could not even be loaded has no tests to count: it counts itself.
    const broken = report.testResults.filter(
      (file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"),
    );
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests + broken.length,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 0, skipped: 0 };
  } finally {
    rmSync(results, { force: true });
  }
}

function conclude({ passed, failed, skipped }) {
  process.exitCode = failed > 0 ? 1 : 0;
  console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
}
