// `npm run pack:worker`: packs the worker program, with everything that it needs in one file, so that any machine with Node
// can install it without a checkout: `npm install --global multimaster-worker-VERSION.tgz`, or `npx ./multimaster-worker-VERSION.tgz`.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const destination = resolve(process.argv[2] ?? ".");
const staging = join(root, "packages/worker/dist/package");
const { version } = JSON.parse(readFileSync(join(root, "packages/worker/package.json"), "utf8"));

rmSync(staging, { recursive: true, force: true });
mkdirSync(staging, { recursive: true });
mkdirSync(destination, { recursive: true });
await build({
  root,
  configFile: false,
  logLevel: "warn",
  // A worker has no metrics, and their library would be needed beside the file.
  plugins: [
    { name: "no-metrics", load: (id) => (id.endsWith("/packages/core/dist/metrics.js") ? "export {};" : null) },
  ],
  ssr: { noExternal: true },
  build: {
    ssr: join(root, "packages/worker/bin/packed.mjs"),
    outDir: staging,
    emptyOutDir: false,
    target: "node20",
    minify: false,
    rolldownOptions: { output: { entryFileNames: "worker.mjs", codeSplitting: false } },
  },
});
const manifest = {
  name: "@multimaster/worker",
  version,
  description: "Runs the commands of a Multimaster or Buildbot master on this machine.",
  license: "MIT",
  type: "module",
  engines: { node: ">=20.20" },
  bin: { "multimaster-worker": "worker.mjs" },
  files: ["worker.mjs", "multimaster-worker@.service"],
};
writeFileSync(join(staging, "package.json"), `${JSON.stringify(manifest, undefined, 2)}\n`);
copyFileSync(join(root, "LICENSE"), join(staging, "LICENSE"));
copyFileSync(
  join(root, "configs/deploy/systemd/multimaster-worker@.service"),
  join(staging, "multimaster-worker@.service"),
);
chmodSync(join(staging, "worker.mjs"), 0o755);

// When npm started this program, the path of npm is known even if npm is not on the PATH.
const npm = process.env.npm_execpath ? [process.execPath, process.env.npm_execpath] : ["npm"];
const [program, ...args] = [...npm, "pack", "--ignore-scripts", "--pack-destination", destination];
const run = spawnSync(program, args, { cwd: staging, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
if (run.status === 0) console.log(join(destination, run.stdout.trim().split("\n").at(-1)));
process.exitCode = run.status ?? 1;
