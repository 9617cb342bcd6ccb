// `npm run bench`: measures this project and, in turns, a real Buildbot master on the same PostgreSQL. docs/benchmarks.md
import { fileURLToPath } from "node:url";
import { exitCodeOf, prepare } from "../../packages/cli/bin/prepare.mjs";

process.exitCode = await exitCodeOf(async () => {
  prepare();
  const { createJiti } = await import("jiti");
  const jiti = createJiti(import.meta.url, { fsCache: false });
  const { main } = await jiti.import(fileURLToPath(new URL("command-line.ts", import.meta.url)));
  return main(process.argv.slice(2));
});
process.exit();
