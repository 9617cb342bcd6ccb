import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog, systemClock } from "@multimaster/core";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { z } from "zod";
import type { LatentWorkerDefinition, ProviderContext } from "../define-latent-worker.ts";
import command from "./command.ts";

let directory: string;
let ending: AbortController;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "multimaster-command-"));
  ending = new AbortController();
});
afterEach(() => {
  ending.abort();
  rmSync(directory, { recursive: true, force: true });
});

/** The kind with three scripts, as an engine calls it. */
function make(scripts: { start?: string; stop?: string; list?: string }, more: Record<string, unknown> = {}) {
  const sh = (script = "true") => ["sh", "-c", script, "sh"];
  const { plugin, options } = command({
    name: "c",
    start: sh(scripts.start),
    stop: sh(scripts.stop),
    list: sh(scripts.list),
    ...more,
  });
  const definition = plugin as unknown as LatentWorkerDefinition & { options: z.ZodType };
  const parsed = definition.options.parse(options);
  const ctx: ProviderContext = {
    labels: { cluster: "cluster-id", latent: "c" },
    clock: systemClock,
    log: silentLog,
    signal: ending.signal,
    directory,
    configDirectory: directory,
  };
  let text = "";
  const output = (line: string) => {
    text += line;
  };
  const instance = {
    instanceid: 7,
    worker: "c-1",
    secret: "s3cret-s3cret",
    masterUrl: "ws://m:1",
    place: null,
    output,
  };
  return {
    start: () => definition.start(ctx, parsed, instance),
    stop: (id: string) => definition.stop(ctx, parsed, id),
    list: () => definition.list(ctx, parsed, null),
    output: () => text,
  };
}

const file = (name: string) => join(directory, name);
/** Whether the process whose id a script has written still runs. */
const runs = (name: string) => {
  try {
    process.kill(Number(readFileSync(file(name), "utf8")), 0);
    return true;
  } catch {
    return false;
  }
};

describe("start", () => {
  it("passes the labels and the login, and takes the last line for the id", async () => {
    const kind = make(
      {
        start:
          'echo "$MULTIMASTER_CLUSTER $MULTIMASTER_LATENT $MULTIMASTER_INSTANCE $MASTER_URL $WORKER_NAME $OWN"; echo i-1',
      },
      { env: { OWN: "mine" } },
    );
    expect(await kind.start()).toBe("i-1");
    expect(kind.output()).toBe("cluster-id c 7 ws://m:1 c-1 mine\ni-1\n");
  });

  it("passes nothing else of the master's environment", async () => {
    process.env["MULTIMASTER_TEST_SECRET"] = "of the master";
    const kind = make({ start: "env; echo i-1" });
    await kind.start().finally(() => delete process.env["MULTIMASTER_TEST_SECRET"]);
    expect(kind.output()).not.toContain("of the master");
  });

  it("writes the password neither to its log nor to an error", async () => {
    const kind = make({ start: 'echo "got $WORKER_PASSWORD"; echo i-1' });
    await kind.start();
    expect(kind.output()).toBe("got <password>\ni-1\n");
    await expect(make({ start: 'echo "bad $WORKER_PASSWORD" >&2; exit 1' }).start()).rejects.toThrow(
      /ended with 1: bad <password>$/,
    );
  });

  it.each([
    ["echo no quota >&2; exit 3", /^sh ended with 3: no quota$/],
    ["kill -9 $$", /^sh ended with SIGKILL$/],
    ["true", /has not written an id/],
    ["echo two words", /has not written an id/],
    ["echo --all", /has not written an id/],
    ["head -c 600 /dev/zero | tr '\\0' x", /has not written an id/],
    ["yes", /^sh wrote more than 1000000 bytes$/],
    ["yes >&2 & sleep 0.2; kill $!; exit 4", /^sh ended with 4: y$/],
  ])("fails after %s", async (start, sentence) => {
    await expect(make({ start }).start()).rejects.toThrow(sentence);
  });

  it("says so if there is no such program", async () => {
    await expect(make({}, { start: ["./none"] }).start()).rejects.toThrow(
      `./none could not be run: there is no such program in ${directory}`,
    );
  });

  it("ends what takes too long, and what it has started", async () => {
    const kind = make({ start: "sleep 60 & echo $! > child; trap '' TERM; sleep 60" }, { timeout: "300ms" });
    const began = kind.start();
    await expect(began).rejects.toThrow(/^sh took longer than/);
    expect(runs("child")).toBe(false);
  }, 15_000);

  it("ends with the engine", async () => {
    const kind = make({ start: "echo $$ > self; sleep 60" });
    const began = kind.start();
    const failed = expect(began).rejects.toThrow(/^sh was interrupted/);
    while (!existsSync(file("self")) || readFileSync(file("self"), "utf8") === "") await systemClock.sleep(10);
    ending.abort();
    await failed;
    expect(runs("self")).toBe(false);
  });

  it("does not wait for a worker that goes on and keeps the output open, and does not end it", async () => {
    const kind = make({ start: "sleep 60 & echo $! > child; echo i-1" });
    expect(await kind.start()).toBe("i-1");
    expect(runs("child")).toBe(true);
    process.kill(Number(readFileSync(file("child"), "utf8")));
  });
});

describe("stop", () => {
  it("gets the id as its last argument", async () => {
    await make({ stop: 'echo "$1" > ended' }).stop("i-1");
    expect(readFileSync(file("ended"), "utf8")).toBe("i-1\n");
  });

  it("fails if the command fails", async () => {
    await expect(make({ stop: "echo busy >&2; exit 1" }).stop("i-1")).rejects.toThrow(/^sh ended with 1: busy$/);
  });
});

describe("list", () => {
  it("reads an id, a number, and what is dead", async () => {
    writeFileSync(file("list"), "i-1 7\n\n  i-2 8 dead\n");
    expect(await make({ list: "cat list" }).list()).toEqual([
      { id: "i-1", instanceid: 7, isAlive: true },
      { id: "i-2", instanceid: 8, isAlive: false },
    ]);
  });

  it.each([
    ["i-1", '"i-1"'],
    ["i-1 seven", '"i-1 seven"'],
    ["--all 7", '"--all 7"'],
    ["i-1 7 alive", '"i-1 7 alive"'],
    [`i ${"9".repeat(16)}`, `"i ${"9".repeat(16)}"`],
    ["<html>".repeat(100), `"${"<html>".repeat(100).slice(0, 100)}"`],
  ])("concludes nothing from %s", async (text, shown) => {
    writeFileSync(file("list"), `i-0 1\n${text}\n`);
    await expect(make({ list: "cat list" }).list()).rejects.toThrow(
      `its list command has written ${shown}, not "ID NUMBER"`,
    );
  });

  it.each([["yes i-1 7"], ["exit 1"], ["sleep 60"]])("concludes nothing from %s", async (list) => {
    await expect(make({ list }, { timeout: "2s" }).list()).rejects.toThrow(/wrote more than|ended with 1|took longer/);
  });
});
