import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { isLong } from "../harness/long-form.ts";
import { runProcess } from "../harness/processes.ts";
import { runMaster } from "../harness/run-master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { setUpOnDemand } from "../setup.mjs";

const fixtures = configFile("test/fixtures/buildbot-farms");
const farms = ["branches", "embedded", "emulator", "library", "packages", "database"];

describe.runIf(isLong)("master import-buildbot with the real Buildbot 4.3.0", () => {
  const python = isLong ? join(setUpOnDemand("buildbot-farms"), "bin", "python") : "";

  it.each(farms)("reads the farm %s as it is recorded, and writes the files that test/fixtures keeps", async (farm) => {
    const file = join(fixtures, farm, "master.cfg");
    const script = configFile("packages/cli/python/read_buildbot.py");
    const env = { PYTHONWARNINGS: "ignore" };
    const { stdout: document } = await runProcess({ name: "python", command: python, args: [script, file], env });
    // The recordings are made with the newest Python at hand.
    const anyPython = document.replace(/"python": "[^"]*"/, '"python": "3"');
    await expect(anyPython).toMatchFileSnapshot(join(fixtures, farm, "document.json"));

    const out = join(temporaryDirectory("imported"), "config");
    const { code, stdout } = await runMaster(["import-buildbot", file, "--python", python, "--out", out]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+ of \d+ constructs translated/)]);
    for (const name of readdirSync(out).filter((one) => one !== "IMPORT.md"))
      expect(readFileSync(join(out, name), "utf8")).toBe(readFileSync(join(fixtures, farm, "imported", name), "utf8"));
    const again = await runMaster(["import-buildbot", file, "--python", python, "--out", out]);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining("already exists; nothing was written")]);
  });

  it("says in a sentence what Buildbot refuses", async () => {
    const directory = temporaryDirectory("broken");
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, "master.cfg"), "c = BuildmasterConfig = {'titel': 'x'}\n");
    const { code, stderr } = await runMaster(["import-buildbot", join(directory, "master.cfg"), "--python", python]);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/cannot be imported: Buildbot refuses it: .*titel/)]);
  });
});

it("names the Python that is missing, and the file that is", async () => {
  const file = join(fixtures, "branches", "master.cfg");
  const without = await runMaster(["import-buildbot", file, "--python", "no-such-python"]);
  expect([without.code, without.stderr]).toEqual([
    3,
    expect.stringContaining("name the Python of the farm with --python"),
  ]);
  const missing = await runMaster(["import-buildbot", "/no/master.cfg"]);
  expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("/no/master.cfg cannot be imported")]);
});
