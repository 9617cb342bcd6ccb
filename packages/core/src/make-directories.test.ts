import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { makeDirectories } from "./make-directories.ts";

const root = mkdtempSync(join(tmpdir(), "multimaster-directories-"));
afterAll(() => rmSync(root, { recursive: true }));

describe("making a directory with its parents", () => {
  it("makes what is missing, once, also when several do at the same time", async () => {
    const path = join(root, "a/b/c");
    await Promise.all([makeDirectories(path), makeDirectories(`${path}/d/`), makeDirectories(path)]);
    await makeDirectories(path);
    expect(statSync(join(path, "d")).isDirectory()).toBe(true);
    await makeDirectories("/");
    await makeDirectories(".");
  });

  it("fails where a file is in the way", async () => {
    writeFileSync(join(root, "file"), "");
    await expect(makeDirectories(join(root, "file"))).rejects.toMatchObject({ code: "EEXIST" });
    await expect(makeDirectories(join(root, "file/below"))).rejects.toMatchObject({ code: "ENOTDIR" });
  });

  it.runIf(process.platform === "linux")("ends where no directory can be made", async () => {
    await expect(makeDirectories("/proc/made/here")).rejects.toMatchObject({ code: "ENOENT" });
  });
});
