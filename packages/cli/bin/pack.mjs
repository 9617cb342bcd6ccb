// `npm run pack:master`: packs master and worker into one file that npm installs into any folder, without a checkout:
// `npm install ./multimaster-VERSION.tgz`, then `npx master init ci`. Packages of others are installed by npm.
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { exitCodeOf, npmCommand, PrepareError, prepare } from "./prepare.mjs";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const destination = resolve(process.argv[2] ?? ".");
const staging = mkdtempSync(join(tmpdir(), "multimaster-package-"));
const own = "@multimaster/";
/** What runs; sources, tests and the maps of compiled files do not. */
const folders = ["bin", "dist", "templates", "python"];
const isLeftOut = (file) => /\.test\.(js|d\.ts)$|\.map$|\.tsbuildinfo$/.test(file);

const readManifest = (folder) => JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"));

process.on("exit", () => rmSync(staging, { recursive: true, force: true }));
process.exitCode = await exitCodeOf(() => {
  prepare({ quiet: true });
  const members = [...readdirSync(join(root, "packages")).map((name) => join("packages", name)), "roles"];
  const manifests = members.map((folder) => copyMember(folder));
  writeBin("master", "cli/bin/master.mjs", " -S node --max-semi-space-size=4");
  writeBin("worker", "worker/bin/worker.mjs", " node");
  for (const file of ["LICENSE", "README.md"]) cpSync(join(root, file), join(staging, file));
  writeJson("package.json", describePackage(manifests));
  mkdirSync(destination, { recursive: true });
  console.log(join(destination, pack()));
  return 0;
});

/** Copies what runs of a package of this project; returns its manifest. */
function copyMember(folder) {
  const manifest = readManifest(folder);
  const target = join("node_modules", manifest.name);
  for (const name of folders) {
    const from = join(root, folder, name);
    if (existsSync(from))
      cpSync(from, join(staging, target, name), { recursive: true, filter: (file) => !isLeftOut(file) });
  }
  const { devDependencies, scripts, ...kept } = manifest;
  writeJson(join(target, "package.json"), kept);
  return manifest;
}

/** npm installs the packages of others beside those of this project, which are in the file. */
function describePackage(manifests) {
  const { version, license, engines } = readManifest(".");
  const of = (field) =>
    Object.fromEntries(
      manifests.flatMap((manifest) => Object.entries(manifest[field] ?? {})).filter(([name]) => !name.startsWith(own)),
    );
  const names = manifests.map(({ name }) => name);
  return {
    ...{ name: "multimaster", version, license, type: "module", engines },
    description: "A continuous-integration master cluster, compatible with Buildbot.",
    bin: { master: "bin/master.mjs", worker: "bin/worker.mjs" },
    dependencies: { ...Object.fromEntries(names.map((name) => [name, version])), ...of("dependencies") },
    optionalDependencies: of("optionalDependencies"),
    bundleDependencies: names,
  };
}

function writeBin(name, program, interpreter) {
  const file = join(staging, "bin", `${name}.mjs`);
  mkdirSync(join(staging, "bin"), { recursive: true });
  writeFileSync(file, `#!/usr/bin/env${interpreter}\nimport "../node_modules/${own}${program}";\n`);
  chmodSync(file, 0o755);
}

function writeJson(file, value) {
  mkdirSync(join(staging, file, ".."), { recursive: true });
  writeFileSync(join(staging, file), `${JSON.stringify(value, undefined, 2)}\n`);
}

/** The name of the file that npm wrote. */
function pack() {
  const [program, ...args] = [...npmCommand(), "pack", "--ignore-scripts", "--pack-destination", destination];
  const run = spawnSync(program, args, { cwd: staging, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  if (run.status !== 0) throw new PrepareError(`npm pack failed:\n${run.stderr}`);
  return run.stdout.trim().split("\n").at(-1);
}
