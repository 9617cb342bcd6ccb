// The bundle of the program: whether it is whole and current, and which files of earlier ones are kept. Plain JavaScript
// without dependencies.
import { readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A master that runs loads some files of its bundle later: they stay so long after another bundle replaced them. */
const keptMs = 24 * 3600_000;

/** When the bundling of a whole bundle began, in milliseconds; undefined: there is none, or it was interrupted. */
export function readBundleTime(folder) {
  try {
    const time = Number(readFileSync(stampOf(folder), "utf8"));
    return time > 0 ? time : undefined;
  } catch {
    return undefined;
  }
}

/** Bundles by `run`, which writes its files into the folder; until it has succeeded, there is no bundle. */
export function replaceBundle(folder, run) {
  const began = Date.now();
  const before = readBundleTime(folder) ?? 0;
  rmSync(stampOf(folder), { force: true });
  for (const file of filesOf(folder)) {
    const changed = statSync(file).mtimeMs;
    // The bundle until now: what is not written again has been replaced from now on.
    if (changed >= before) utimesSync(file, began / 1000 - 1, began / 1000 - 1);
    else if (changed < began - keptMs) rmSync(file);
  }
  run();
  writeFileSync(stampOf(folder), String(began));
}

const stampOf = (folder) => join(folder, ".bundled");

function filesOf(folder) {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}
