// Loaded into a master before its program (`node --import`): takes one safeguard out of it, as a careless change would, so
// that a test can see that its scenario notices. The program itself has no switch for this.
import { readFile } from "node:fs/promises";
import { register } from "node:module";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";

/** What each does to the compiled program: where it says `safeguard`, it says `instead`. */
const faults = {
  fencing: {
    file: "packages/cluster/dist/lease.js",
    safeguard: "throw new LeaseLost(lease);",
    instead: "return;",
  },
  "durable cursor": {
    file: "packages/database/dist/stores/schedulers.js",
    safeguard: `conflict: ["schedulerid"] });\n    return ids;`,
    // Who starts begins with what comes next, as if nothing had been kept.
    instead: `conflict: ["schedulerid"] });
    await execute(tx, "update mm_scheduler_cursors set floor = (select coalesce(max(changeid), 0) from changes)");
    return ids;`,
  },
  "orphan interrupt": {
    file: "roles/dist/builder-engine/workers/attach-worker.js",
    safeguard: "if (orphans.length === 0)",
    instead: "if (orphans.length >= 0)",
  },
  // What goes on then is woken.
  polling: {
    file: "packages/core/dist/wakeup-loop.js",
    safeguard: "await clock.sleep(restMs *",
    instead: "await clock.sleep(3_600_000 + restMs *",
  },
};

const root = new URL("../../", import.meta.url);
const name = process.env.PLANTED_FAULT ?? "";
const fault = faults[name];
if (!fault) throw new Error(`there is no fault "${name}" to plant; there are ${Object.keys(faults).join(", ")}`);
const planted = new URL(fault.file, root).href;

// This same file holds the hooks, which Node runs in a thread of their own.
if (isMainThread) {
  if (!(await readFile(fileURLToPath(planted), "utf8")).includes(fault.safeguard))
    throw new Error(`${fault.file} does not say ${JSON.stringify(fault.safeguard)} any more`);
  register(import.meta.url);
  console.error(`planted: without ${name}`);
}

/** Node's hook: the text of each module that is loaded. */
export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  return url === planted
    ? { ...loaded, source: String(loaded.source).replace(fault.safeguard, fault.instead) }
    : loaded;
}
