// Prepares a clone to run the program: installs dependencies and compiles TypeScript. This is plain JavaScript without
// dependencies, in syntax that an old Node can parse, so that it can report a Node that is too old.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { replaceBundle } from "./bundle-files.mjs";
import { bundleFolder, isBundleCurrent } from "./program.mjs";

/** The root of the repository. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");

/** Something is missing or wrong that only the user can correct; the message says what. */
export class PrepareError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** Throws if this Node is older than the "engines" of package.json. */
export function requireNode() {
  // Installed as a package, the packages of this project lie in its node_modules.
  const manifest = existsSync(join(root, "package.json")) ? "package.json" : "../package.json";
  const wanted = /(\d+)\.(\d+)/.exec(readJson(manifest).engines.node);
  const found = process.versions.node.split(".").map(Number);
  const isOld = found[0] < Number(wanted[1]) || (found[0] === Number(wanted[1]) && found[1] < Number(wanted[2]));
  if (isOld)
    throw new PrepareError(
      `Multimaster needs Node ${wanted[0]}.${wanted[2]} or newer; this is Node ${process.versions.node}. Node 24 is recommended.`,
    );
}

/** How npm is run: when it started this program, its path is known even if it is not on the PATH. */
export function npmCommand() {
  return process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
}

/** Installs the dependencies if they are missing or not those of package-lock.json. */
export function installDependencies() {
  requireNode();
  if (areDependenciesInstalled()) return;
  console.error("Installing dependencies (npm ci); the first time may take some minutes ...");
  const result = run(
    [...npmCommand(), "ci", "--include=dev", "--no-audit", "--no-fund", ...withoutScripts()],
    nativeBuildSettings(),
  );
  if (result.status === 0) return;
  throw new PrepareError(
    `npm ci failed:\n${summarize(result)}\nOn Node 20 better-sqlite3 is compiled where it has no ready-made binary: that needs g++, make and python3.`,
  );
}

/** Compiles what changed in the projects given (paths with a tsconfig.json); throws with the list of errors. */
export function build(projects = ["packages/cli", "packages/worker"]) {
  const result = run([process.execPath, join(root, "node_modules", "typescript", "bin", "tsc"), "-b", ...projects]);
  if (result.status !== 0)
    throw new PrepareError(`The TypeScript sources do not compile:\n${result.stdout}${result.stderr}`.trimEnd());
}

/** Bundles the browser app if its sources have changed; a master without it shows a plain page. */
export function buildWebApp() {
  const web = join(root, "packages", "web");
  const stamp = join(web, "dist", ".sources");
  const sources = hashSources(web);
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === sources) return;
  const result = runVite(web);
  if (result.status !== 0) throw new PrepareError(`The browser app does not build:\n${summarize(result)}`);
  writeFileSync(stamp, sources);
}

/** Bundles the compiled program if anything was compiled since; without a bundle, a master starts more slowly. */
export function bundleProgram() {
  if (isBundleCurrent()) return;
  const config = join(root, "packages", "cli", "bin", "bundle.config.mjs");
  replaceBundle(bundleFolder, () => {
    const result = runVite(join(root, "packages", "cli"), ["--config", config]);
    if (result.status !== 0) throw new PrepareError(`The program cannot be bundled:\n${summarize(result)}`);
  });
}

/** Installs and builds what is missing or out of date. */
export function prepare({ quiet = false } = {}) {
  installDependencies();
  if (!quiet && !existsSync(join(root, "packages", "cli", "dist", "main.js"))) console.error("Building ...");
  build();
  bundleProgram();
  buildWebApp();
}

/** A hash of everything that the bundle is made of: files of which only the times changed are not built again. */
function hashSources(web) {
  const hash = createHash("sha256");
  const add = (path) => hash.update(path).update(readFileSync(join(web, path)));
  for (const file of ["index.html", "package.json", "vite.config.ts"]) add(file);
  const files = ["src", "../data/src/client"].flatMap((folder) =>
    readdirSync(join(web, folder), { recursive: true, withFileTypes: true }),
  );
  const paths = files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  for (const path of paths.map((each) => relative(web, each)).sort()) if (!/\.test\.ts$/.test(path)) add(path);
  return hash.digest("hex");
}

/** Runs `work` and returns the exit code; it prints a PrepareError as its message only. */
export async function exitCodeOf(work) {
  try {
    return (await work()) ?? 0;
  } catch (error) {
    if (!(error instanceof PrepareError)) throw error;
    console.error(error.message);
    return error.exitCode;
  }
}

/** Compares npm's record of what is installed with the lock file, which also detects an update by git pull. */
function areDependenciesInstalled() {
  const installed = join(root, "node_modules", ".package-lock.json");
  if (!existsSync(installed)) return false;
  const found = JSON.parse(readFileSync(installed, "utf8")).packages;
  return Object.entries(readJson("package-lock.json").packages).every(
    ([path, wanted]) =>
      path === "" || (found[path] ? found[path].version === wanted.version : Boolean(wanted.optional)),
  );
}

/** The one package with a script compiles the SQLite library of Node 20; newer versions of Node do not load it. */
function withoutScripts() {
  return Number(process.versions.node.split(".")[0]) < 22 ? [] : ["--ignore-scripts"];
}

/** Uses the headers that came with this Node, so that node-gyp does not download them. */
function nativeBuildSettings() {
  const prefix = resolve(dirname(process.execPath), "..");
  const hasHeaders = existsSync(join(prefix, "include", "node", "node_version.h"));
  return hasHeaders && !process.env.npm_config_nodedir ? { npm_config_nodedir: prefix } : {};
}

function runVite(folder, more = []) {
  const vite = join(root, "node_modules", "vite", "bin", "vite.js");
  return run([process.execPath, vite, "build", folder, "--logLevel", "warn", ...more]);
}

function run([command, ...args], environment = {}) {
  return spawnSync(command, args, {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
}

/** Keeps the beginning and the end: npm reports the cause first, compilers last. */
function summarize(result) {
  const lines = (result.error ? result.error.message : `${result.stdout}${result.stderr}`).trim().split("\n");
  return (lines.length > 30 ? [...lines.slice(0, 15), "...", ...lines.slice(-15)] : lines).join("\n");
}

function readJson(file) {
  return JSON.parse(readFileSync(join(root, file), "utf8"));
}
