// Finds the compiled program: in its bundle, or in the files that tsc wrote.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const cli = fileURLToPath(new URL("..", import.meta.url));
const root = join(cli, "..", "..");
const files = join(cli, "dist", "main.js");
const bundle = join(cli, "dist", "bundle", "main.js");

/** The path of the program's main module; undefined before it is built. MULTIMASTER_UNBUNDLED=1 passes the bundle over. */
export function findProgram() {
  if (!existsSync(files)) return undefined;
  return process.env.MULTIMASTER_UNBUNDLED !== "1" && isBundleCurrent() ? bundle : files;
}

/** Whether nothing was compiled after the bundle was made. */
export function isBundleCurrent() {
  const made = changedAt(bundle);
  return made > 0 && buildRecords().every((record) => changedAt(record) <= made);
}

/** tsc writes one for each package when it has compiled something of it. */
function buildRecords() {
  const packages = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
  return [...packages, join(root, "roles")].map((folder) => join(folder, "dist", ".tsbuildinfo"));
}

function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
