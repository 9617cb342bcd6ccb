import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Logger, silentLog } from "@multimaster/core";
import { expect, it, onTestFinished } from "vitest";
import { openDatabase } from "./open-database.ts";

function modes(directory: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(directory).map((name) => [name, (statSync(join(directory, name)).mode & 0o777).toString(8)]),
  );
}

it("SQLite's files are for their owner alone, whatever the umask; those that were not are closed, and it is said", async () => {
  const umask = process.umask(0o022);
  const directory = mkdtempSync(join(tmpdir(), "multimaster-modes-"));
  onTestFinished(() => {
    process.umask(umask);
    rmSync(directory, { recursive: true });
  });
  const said: string[] = [];
  const log: Logger = Object.assign(Object.create(silentLog), {
    warn: (_fields: object, text: string) => said.push(text),
  });
  const url = `sqlite:${join(directory, "state.sqlite")}`;
  const open = async () => {
    const database = await openDatabase(url, { log, exclusive: true });
    await database.sql.run("create table if not exists t (a)");
    await database.sql.run("insert into t values (1)");
    return database;
  };
  const closed = {
    "state.sqlite": "600",
    "state.sqlite-master": "600",
    "state.sqlite-master-journal": "600",
    "state.sqlite-shm": "600",
    "state.sqlite-wal": "600",
  };
  const first = await open();
  expect(modes(directory)).toEqual(closed);
  expect(said).toEqual([]);

  for (const name of readdirSync(directory)) chmodSync(join(directory, name), 0o644);
  await first.close();
  const second = await open();
  expect(modes(directory)).toEqual(closed);
  expect(said[0]).toMatch(/state\.sqlite could be read by other users of this machine; its mode is 0600 now/);
  await second.close();
});
