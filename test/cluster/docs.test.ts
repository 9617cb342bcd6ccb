import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { configFile } from "../harness/cluster.ts";
import { startMaster } from "../harness/master.ts";
import { runProcess } from "../harness/processes.ts";
import { temporaryDirectory } from "../harness/temporary-directory.ts";

const program = fileURLToPath(new URL("../../packages/cli/bin/master.mjs", import.meta.url));

it("the config that docs/config.md shows is a good one, and a master starts with it", async () => {
  const directory = temporaryDirectory("docs");
  const guide = readFileSync(configFile("docs/config.md"), "utf8");
  const files = [...guide.matchAll(/```ts file=(\S+)\n([\s\S]*?)```/g)];
  expect(files.length).toBe(6);
  for (const [, name, text] of files) writeFileSync(join(directory, String(name)), String(text));
  const config = join(directory, "cluster.ts");
  const { stdout } = await runProcess({
    name: "master",
    command: process.execPath,
    args: [program, "check-config", "--config", config],
  });
  expect(stdout).toContain("The config is good: 3 builders in 2 sets, 2 workers, 4 schedulers, 1 change sources.");
  const master = await startMaster({ config, roles: ["scheduler"] });
  await master.waitReady();
});

it("every command that the README names is in the help, and the other way round", async () => {
  const { stdout } = await runProcess({ name: "master", command: process.execPath, args: [program, "--help"] });
  const readme = readFileSync(configFile("README.md"), "utf8");
  const documented = [...readme.matchAll(/^\| `master ([\w-]+)/gm)].map(([, command]) => command);
  const offered = [...stdout.matchAll(/^ {2}([\w-]+) .*/gm)]
    .map(([, command]) => command)
    .filter((command) => command !== "help" && !command?.startsWith("-") && command !== "master");
  expect(documented.toSorted()).toEqual([...new Set(offered)].toSorted());
});
