import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
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

export default defineConfig({
  ...shared,
  test: {
    root,
    pool: "forks",
    maxWorkers: 2,
    // A file that hangs while closing must not hang the run: the harness's watchdog ends what is left.
    teardownTimeout: 20_000,
    projects: [
      {
        ...shared,
        test: {
          name: "unit",
          include: [
            "packages/*/src/**/*.test.ts",
            "roles/**/*.test.ts",
            "test/architecture/**/*.test.ts",
            "test/harness/**/*.test.ts",
          ],
          exclude: ["**/node_modules/**", "**/dist/**"],
          pool: "forks",
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
          maxWorkers: 2,
          ...inlined,
        },
      },
      {
        ...shared,
        test: {
          name: "integration",
          globalSetup: ["test/harness/keep-router.ts"],
          include: ["test/contract/**/*.test.ts", "test/integration/**/*.test.ts", "test/interop/**/*.test.ts"],
          pool: "forks",
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 1 },
          maxWorkers: 2,
          ...inlined,
        },
      },
      {
        ...shared,
        test: {
          name: "cluster",
          globalSetup: ["test/harness/keep-router.ts"],
          // Whole clusters of processes, which wait more than they work: more files at a time than there are cores.
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
          testTimeout: 180_000,
          hookTimeout: 180_000,
          sequence: { groupOrder: 2 },
          maxWorkers: 3,
          ...inlined,
        },
      },
    ],
  },
});
