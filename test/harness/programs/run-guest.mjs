// Machines of the stand-in for `virsh`, in a directory of the test: each is a process that runs a script.
import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const worker = fileURLToPath(new URL("../../../packages/worker/bin/worker.mjs", import.meta.url));
export const state = process.env.FAKE_STATE;
const guests = join(state, "guests");
mkdirSync(join(state, "bin"), { recursive: true });
mkdirSync(guests, { recursive: true });

/** Ends the program as the real one ends when it refuses something. */
export function refuse(sentence) {
  console.error(sentence);
  process.exit(254);
}

/** Reads options of the form `--name value …`; refuses those that `allowed` does not have. */
export function readOptions(args, allowed) {
  const options = {};
  let name;
  for (const arg of args) {
    if (arg.startsWith("--")) {
      name = arg.slice(2);
      if (!allowed.includes(name)) refuse(`Unknown options: ${arg}`);
      options[name] = [];
    } else if (name === undefined) refuse(`Unknown argument: ${arg}`);
    else options[name].push(arg);
  }
  return options;
}

/** Keeps facts of a guest, and runs its script in a process of its own. */
export function startGuest(id, facts, script) {
  const directory = join(guests, id);
  mkdirSync(join(directory, "work"), { recursive: true });
  const program = join(state, "bin", "multimaster-worker");
  if (!existsSync(program))
    writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${worker}' "$@"\n`, { mode: 0o755 });
  const log = openSync(join(directory, "log"), "a");
  const child = spawn("/bin/sh", ["-c", script], {
    detached: true,
    stdio: ["ignore", log, log],
    cwd: join(directory, "work"),
    env: {
      ...process.env,
      PATH: `${join(state, "bin")}:${process.env.PATH}`,
      TMPDIR: directory,
      WORKER_BASEDIR: join(directory, "work"),
    },
  });
  closeSync(log);
  child.unref();
  writeFileSync(join(directory, "facts"), JSON.stringify({ ...facts, pid: child.pid }));
}

export function readGuests() {
  return readdirSync(guests)
    .filter((id) => existsSync(join(guests, id, "facts")))
    .map((id) => {
      const facts = JSON.parse(readFileSync(join(guests, id, "facts"), "utf8"));
      return { id, ...facts, isAlive: isAlive(facts.pid) };
    });
}

export function endGuest({ id, pid }) {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended by itself.
  }
  rmSync(join(guests, id), { recursive: true, force: true });
}

function isAlive(pid) {
  try {
    if (pid !== undefined) process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
