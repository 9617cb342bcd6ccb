import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { LongFirst } from "./long-first.ts";
import { plantSource } from "./plant-source.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));

// "source" makes @multimaster/* mean the TypeScript in packages/*/src: a test never runs against a stale build.
const conditions = ["source", "module", "node", "development|production"];

const shared = {
  root,
  plugins: plantSource(),
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: ["source", "node", "module-sync"] } },
};

const inlined = { server: { deps: { inline: [/@multimaster\//] } } };

const servers = ["test/harness/keep-router.ts", "test/harness/keep-postgres.ts"];

/** The longest that a test may take, where it says nothing else; see test/harness/wait-for.ts for machines that run a CI. */
const limitOf = (seconds: number) => seconds * (process.env["CI"] ? 2500 : 1000);

/**
 * Files of parts and of whole clusters run beside each other: clusters wait about half of the time, so there are more
 * files at a time than cores. Files share a process: loading the modules again for each file takes seconds of a core.
 */
const together = { sequence: { groupOrder: 1 }, maxWorkers: 4, isolate: false };

export default defineConfig({
  ...shared,
  test: {
    root,
    pool: "forks",
    maxWorkers: 2,
    // A file that hangs while closing must not hang the run: the harness's watchdog ends what is left.
    teardownTimeout: 20_000,
    sequence: { sequencer: LongFirst },
    projects: [
      {
        ...shared,
        test: {
          name: "unit",
          include: ["packages/*/src/**/*.test.ts", "roles/**/*.test.ts", "test/architecture/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/dist/**"],
          setupFiles: ["test/harness/every-file.ts"],
          pool: "forks",
          // Files share a process: their tests change no global state, and loading the modules again for each file takes longer than the tests.
          isolate: false,
          testTimeout: limitOf(60),
          hookTimeout: limitOf(120),
          sequence: { groupOrder: 0 },
          maxWorkers: 2,
          ...inlined,
        },
      },
      {
        ...shared,
        test: {
          name: "integration",
          globalSetup: servers,
          setupFiles: ["test/harness/every-file.ts"],
          include: ["contract", "harness", "integration", "interop"].map((room) => `test/${room}/**/*.test.ts`),
          pool: "forks",
          testTimeout: limitOf(120),
          hookTimeout: limitOf(120),
          ...together,
          ...inlined,
        },
      },
      {
        ...shared,
        test: {
          name: "cluster",
          globalSetup: servers,
          setupFiles: ["test/harness/every-file.ts"],
          include: ["test/**/*.test.ts"],
          exclude: [
            "**/node_modules/**",
            "test/architecture/**",
            "test/harness/**",
            "test/contract/**",
            "test/integration/**",
            "test/interop/**",
          ],
          pool: "forks",
          testTimeout: limitOf(180),
          hookTimeout: limitOf(180),
          ...together,
          ...inlined,
        },
      },
    ],
  },
});
