import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isLong } from "../../harness/long-form.ts";
import { approvalFaults } from "./approval-faults.ts";
import { artifactFaults } from "./artifact-faults.ts";
import { faults as coreFaults } from "./faults.ts";
import { scheduleFaults } from "./schedule-faults.ts";

const faults = [...coreFaults, ...scheduleFaults, ...approvalFaults, ...artifactFaults];
const root = fileURLToPath(new URL("../../..", import.meta.url));

describe("safeguards of the core", () => {
  it("are where the list of planted faults looks for them", () => {
    const lost = faults.filter(({ file, safeguard }) => !readFileSync(`${root}${file}`, "utf8").includes(safeguard));
    expect(lost.map(({ name }) => name)).toEqual([]);
  });

  // Titles with "$name" would end after forty characters, and `-t` would not find a fault by its name.
  it.runIf(isLong).each(faults.map((fault) => [fault.name, fault] as const))(
    "are missed by their tests: %s",
    (_, fault) => {
      const run = spawnSync(
        process.execPath,
        [
          "node_modules/vitest/vitest.mjs",
          "run",
          "--config=test/vitest.config.ts",
          "--project=integration",
          "--bail=1",
          ...fault.tests.map((test) => `test/integration/${test}`),
        ],
        {
          cwd: root,
          encoding: "utf8",
          maxBuffer: 64 << 20,
          env: {
            ...process.env,
            VITEST_POOL_ID: undefined,
            MULTIMASTER_LONG: undefined,
            PLANTED_SOURCE: JSON.stringify(fault),
            NO_COLOR: "1",
          },
        },
      );
      const output = run.stdout + run.stderr;
      expect(output).toContain(`planted in ${fault.file}`);
      // By an assertion or a wait, and not because the source could not be read any more.
      expect(output).toMatch(/Tests\s+[1-9]\d* failed/);
      expect(output).not.toMatch(/SyntaxError|syntax error at or near/);
      expect(run.status).toBe(1);
    },
    600_000,
  );
});
