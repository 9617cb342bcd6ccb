// Finds the compiled program: in its bundle, or in the files that tsc wrote.
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { readBundleTime } from "./bundle-files.mjs";

const cli = fileURLToPath(new URL("..", import.meta.url));
const root = join(cli, "..", "..");
const files = join(cli, "dist", "main.js");
/** Where the program is bundled. */
export const bundleFolder = join(cli, "dist", "bundle");

/** The path of the program's main module; undefined before it is built. MULTIMASTER_UNBUNDLED=1 passes the bundle over. */
export function findProgram() {
  if (!existsSync(files)) return undefined;
  return process.env.MULTIMASTER_UNBUNDLED !== "1" && isBundleCurrent() ? join(bundleFolder, "main.js") : files;
}

/** Whether there is a whole bundle, and nothing was compiled after its making began; a package has no sources to compile. */
export function isBundleCurrent() {
  const began = readBundleTime(bundleFolder);
  if (!existsSync(join(root, "packages"))) return began !== undefined;
  return began !== undefined && buildRecords().every((record) => changedAt(record) <= began);
}

/** tsc writes one for each package when it has compiled something of it. */
function buildRecords() {
  const packages = readdirSync(join(root, "packages")).map((name) => join(root, "packages", name));
  return [...packages, join(root, "roles")].map((folder) => join(folder, "dist", ".tsbuildinfo"));
}

function changedAt(file) {
  return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
