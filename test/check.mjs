// `npm run check`: what a reader of the code should not have to look for. Every check runs, also after one failed.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { exitCodeOf, installDependencies, root } from "../packages/cli/bin/prepare.mjs";

const checks = [
  { name: "format and lint", program: "@biomejs/biome/bin/biome", args: ["check", "--error-on-warnings", "."] },
  { name: "types", program: "typescript/bin/tsc", args: ["-b"] },
  { name: "dead code", program: "knip/bin/knip.js", args: [] },
  // What only tests use proves a path that production never takes.
  {
    name: "code for tests only",
    program: "knip/bin/knip.js",
    args: ["-c", "test/dead-code.json", "--no-config-hints"],
  },
  {
    name: "architecture",
    program: "vitest/vitest.mjs",
    args: ["run", "--config", "test/vitest.config.ts", "test/architecture"],
  },
];

process.exitCode = await exitCodeOf(() => {
  installDependencies();
  const failed = checks.filter((check) => !passes(check)).map((check) => check.name);
  if (failed.length > 0) console.log(`check failed: ${failed.join(", ")}`);
  return failed.length > 0 ? 1 : 0;
});

function passes({ name, program, args }) {
  const began = Date.now();
  const run = spawnSync(process.execPath, [join(root, "node_modules", program), ...args], {
    cwd: root,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
  const seconds = ((Date.now() - began) / 1000).toFixed(1);
  console.log(`${run.status === 0 ? "ok    " : "FAILED"}  ${name} (${seconds} s)`);
  if (run.status !== 0) console.log(`${run.stdout}${run.stderr}`.trim());
  return run.status === 0;
}
