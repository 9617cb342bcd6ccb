// `npm run test:new-clone`: what a new user and an operator do, on the newest Node, in a new clone of the last commit.
// The README's first command; a cluster; and the commands of the container image, whose pages must load.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { root } from "../packages/cli/bin/prepare.mjs";
import { setUpNewestNode } from "./setup.mjs";

const directory = mkdtempSync(join(tmpdir(), "multimaster-clone-"));
const clone = join(directory, "multimaster");
const programs = setUpNewestNode();
const environment = {
  ...process.env,
  PATH: [programs, process.env.PATH].join(delimiter),
  MULTIMASTER_CACHE: process.env.MULTIMASTER_CACHE || join(root, ".cache"),
  MULTIMASTER_STATE: join(directory, "state"),
  UI_PORT: "0",
};
// If npm runs this, npm's variables are set; the clone's own npm sets them again.
for (const name of Object.keys(environment)) if (/^npm_(?!config_)/.test(name)) delete environment[name];

const steps = [
  { name: "git clone", run: () => command(root, "git", "clone", "--quiet", root, clone) },
  { name: "npm start -- --once", run: () => command(clone, "npm", "start", "--", "--once") },
  {
    name: "npm test -- test/cluster/symmetric.test.ts",
    run: () => command(clone, "npm", "test", "--", "test/cluster/symmetric.test.ts"),
  },
  { name: "the image's commands", run: buildAsTheImage },
  { name: "the image's pages", run: loadPages },
];

try {
  process.exitCode = (await runSteps()) ? 0 : 1;
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function runSteps() {
  for (const { name, run } of steps) {
    const began = Date.now();
    const failure = await run();
    console.log(`${failure ? "FAILED" : "ok    "}  ${name} (${Math.round((Date.now() - began) / 1000)} s)`);
    if (failure) {
      console.log(failure);
      return false;
    }
  }
  return true;
}

/** Runs a command; returns what it printed if it failed. */
function command(cwd, program, ...args) {
  const run = spawnSync(program, args, { cwd, env: environment, encoding: "utf8", maxBuffer: 64 << 20 });
  if (run.status === 0) return undefined;
  return `${run.error?.message ?? ""}${run.stdout ?? ""}${run.stderr ?? ""}`.split("\n").slice(-60).join("\n");
}

/** Runs the Dockerfile's own commands on what it copies: neither the tests nor anything that was built before. */
function buildAsTheImage() {
  const dockerfile = readFileSync(join(clone, "configs", "deploy", "compose", "Dockerfile"), "utf8");
  const [, commands = ""] = /^RUN (?:--mount=\S+ \\\n *)?(npm ci (?:.*\\\n)*.*)$/m.exec(dockerfile) ?? [];
  const [install, ...rest] = commands.replaceAll("\\\n", " ").split("&&");
  if (!install?.includes("npm ci") || rest.length === 0) return "The Dockerfile has no `RUN npm ci … && …`.";
  // `npm ci` has just run here.
  return (
    command(clone, "git", "clean", "-fdxq", "--exclude=node_modules") ?? command(clone, "sh", "-c", rest.join("&&"))
  );
}

async function loadPages() {
  const master = spawn(join(clone, "packages", "cli", "bin", "master.mjs"), ["start"], {
    cwd: clone,
    env: { ...environment, MULTIMASTER_CONFIG: join(clone, "configs", "quickstart", "cluster.ts") },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [master.stdout, master.stderr]) stream.on("data", (piece) => (output += piece));
  const ended = once(master, "exit");
  try {
    for (let attempt = 0; attempt < 300 && master.exitCode === null && master.signalCode === null; attempt++) {
      const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0];
      if (url) return await loadApp(url);
      await sleep(100);
    }
    return `The master named no address:\n${output}`;
  } finally {
    master.kill("SIGKILL");
    await ended;
  }
}

async function loadApp(url) {
  const page = await (await fetch(url)).text();
  const script = /<script[^>]* src="([^"]+\.js)"/.exec(page)?.[1];
  if (!script) return `The page at / loads no script:\n${page}`;
  const answer = await fetch(new URL(script, `${url}/`));
  return answer.ok ? undefined : `${script} answers ${answer.status}.`;
}
