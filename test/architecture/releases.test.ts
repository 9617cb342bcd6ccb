import { readFileSync } from "node:fs";
import { join } from "node:path";
import { dataVersions, hashMigration, migrations } from "@multimaster/database";
import { describe, expect, it } from "vitest";
import { root } from "./source-files.ts";

/** See docs/versions.md. */
interface Release {
  commit: string;
  dataVersion: number;
  /** Name to hash of each migration that it has. */
  migrations: Record<string, string>;
}

const releases = JSON.parse(readFileSync(join(root, "test/releases.json"), "utf8")) as Release[];
const last = releases.at(-1) as Release;

describe("what was released", () => {
  it.each(releases.map((release) => [release.commit.slice(0, 7), release] as const))(
    "in %s of migrations is still there, unedited, in its order, before all newer ones",
    (_, release) => {
      const present = migrations.slice(0, Object.keys(release.migrations).length);
      expect(Object.fromEntries(present.map((migration) => [migration.name, hashMigration(migration)]))).toEqual(
        release.migrations,
      );
      expect(present.map(({ name }) => name)).toEqual(Object.keys(release.migrations));
    },
  );

  it("brings a new data version one at a time, and reads what the release before writes", () => {
    expect(dataVersions.newest).toBeGreaterThanOrEqual(last.dataVersion);
    expect(dataVersions.newest).toBeLessThanOrEqual(last.dataVersion + 1);
    expect(dataVersions.oldest).toBeLessThanOrEqual(last.dataVersion);
  });

  it("contracts at the earliest in the release after the one that brought the data version", () => {
    const early = migrations.filter((m) => m.kind === "contract" && m.dataVersion > last.dataVersion);
    expect(early.map(({ name }) => name)).toEqual([]);
  });

  it("keeps reading a data version until a migration has rewritten its rows", () => {
    const rewritten = migrations.flatMap((m) => (m.kind === "contract" ? [m.dataVersion] : []));
    expect(dataVersions.oldest).toBeLessThanOrEqual(Math.max(1, ...rewritten));
  });

  it("has a name for every migration", () => {
    expect(new Set(migrations.map(({ name }) => name)).size).toBe(migrations.length);
  });
});
