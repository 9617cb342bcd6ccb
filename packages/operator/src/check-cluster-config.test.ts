import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "@multimaster/config";
import { afterEach, beforeEach, expect, it } from "vitest";
import { checkClusterConfig } from "./check-cluster-config.ts";
import { loadClusterConfig } from "./load-cluster-config.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "multimaster-config-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

async function check(shared: string): Promise<string> {
  const file = join(directory, "cluster.ts");
  writeFileSync(file, `export default { name: "x", ${shared} };`);
  return checkClusterConfig(await loadConfig(file)).then(
    () => "good",
    (error: unknown) => String(error),
  );
}

it("refuses a database that no master could use, with the place in the config", async () => {
  expect(await check('database: "mysql://host/x"')).toMatch(
    /cluster\.ts: database: "mysql:.*" is not a database URL; use /,
  );
  expect(await check('database: "sqlite:x.sqlite", bus: { notify: true }')).toMatch(/cluster\.ts: bus\.notify: /);
  expect(await check('database: "postgresql://u@127.0.0.1:1/x", bus: { notify: true }')).toBe("good");
});

it("names file and path of a bad database URL for every command, also beside a check of its own", async () => {
  const file = join(directory, "cluster.ts");
  writeFileSync(file, 'export default { name: "x", database: "postgresql://u@h/x?pooler=maybe" };');
  const sentence = /cluster\.ts: database: The database URL says pooler=maybe; /;
  await expect(loadClusterConfig(file)).rejects.toThrow(sentence);
  const config = await loadConfig(file);
  await expect(checkClusterConfig(config, async () => "checked")).rejects.toThrow(sentence);
});
