import { chmodSync, cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { createGitRepository } from "../harness/git-repository.ts";
import { isLong } from "../harness/long-form.ts";
import { startMaster } from "../harness/master.ts";
import { runProcess } from "../harness/processes.ts";
import { runMaster } from "../harness/run-master.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";
import { waitFor } from "../harness/wait-for.ts";
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

/** What the farms' builds run, all in one repository. */
const scripts = { configure: '#!/bin/sh\necho "$1" > config.log\n', "build-it": "#!/bin/sh\necho built $1\n" };
const makefile = "all:\n\techo made\ntest:\n\techo tested\nclean:\n\techo cleaned\n";

/** A builder of each farm, and how its build ends. */
const forced = [
  ["branches", "debug main", 0],
  ["embedded", "image-board", 0],
  ["emulator", "release-linux", 0],
  ["library", "smoke", 0],
  ["packages", "ports", 1],
  ["database", "tarball", 0],
] as const;

it("builds in each of the six imported farms, all in one process", async () => {
  const repository = createGitRepository({ files: { ...scripts, Makefile: makefile } });
  for (const name of Object.keys(scripts)) chmodSync(join(dirname(repository.path), "clone", name), 0o755);
  repository.commit({ message: "Let them run" });
  // The farms' repositories are at addresses that do not exist: git takes this one in their place.
  const home = temporaryDirectory("home");
  const urls = ["language", "layers", "emulator", "library", "docs"].map(
    (name) => `https://git.example.org/${name}.git`,
  );
  writeFileSync(
    join(home, ".gitconfig"),
    `[url "${repository.path}"]\n${urls.map((url) => `\tinsteadOf = ${url}\n`).join("")}`,
  );
  const directory = temporaryDirectory("imported-farms");
  for (const farm of farms) cpSync(join(fixtures, farm, "imported"), join(directory, farm), { recursive: true });
  mkdirSync(join(directory, "embedded", "images"));
  const master = await startMaster({
    config: configFile("test/cluster/configs/imported-farms/cluster.ts"),
    env: { FARMS: directory, HOME: home },
  });
  await master.waitReady();
  for (const [farm, builder] of forced) {
    const sent = await master.apiPost(`forceschedulers/force-${farm}`, "force", {
      builderNames: [builder],
      reason: "to see",
      branch: "main",
    });
    expect([farm, sent.status]).toEqual([farm, 200]);
  }
  interface Build {
    buildid: number;
    results: number | null;
  }
  for (const [farm, builder, results] of forced) {
    const read = async () =>
      (await master.api<{ builds: Build[] }>(`builders/${encodeURIComponent(builder)}/builds`)).body.builds.at(-1);
    const build = await waitFor(
      async () => {
        const newest = await read();
        return newest !== undefined && newest.results !== null && newest;
      },
      { what: `${farm} to build`, timeoutMs: 120_000 },
    );
    const { steps } = (await master.api<{ steps: object[] }>(`builds/${build.buildid}/steps`)).body;
    expect({ farm, results: build.results, steps }).toMatchObject({ farm, results });
  }
  // What steps left on the master is below the written config, as it was below Buildbot's.
  expect(readdirSync(join(directory, "embedded", "images")).toSorted()).toEqual(["board-1.img", "latest"]);
  expect(readdirSync(join(directory, "packages", "lists"))).toEqual(["ports.txt"]);
});
