import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { expect, it, onTestFinished } from "vitest";

/** Stands in for Vite: writes a chunk and the entry, or is killed with its parent between the two. RECORD: tsc ends meanwhile. */
const bundler = `
import { writeFileSync } from "node:fs";
const folder = process.env.FOLDER + "/";
writeFileSync(folder + process.env.CHUNK, "");
if (process.env.IS_CUT) process.kill(process.ppid, "SIGKILL"), process.exit(1);
writeFileSync(folder + "main.js", "");
if (process.env.RECORD) writeFileSync(process.env.RECORD, "");
if (process.env.IS_FAILING) process.exit(1);
`;

/** A clone whose program is compiled, with the real scripts of `npm start`. */
function makeClone() {
  const root = mkdtempSync(join(tmpdir(), "multimaster-bundle-"));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const bin = join(root, "packages/cli/bin");
  cpSync(join(import.meta.dirname, "../bin"), bin, { recursive: true });
  const folder = join(root, "packages/cli/dist/bundle");
  mkdirSync(folder, { recursive: true });
  const write = (path: string, text = "") => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("node_modules/vite/bin/vite.js", bundler);
  write("node_modules/package.json", '{ "type": "module" }');
  write("packages/cli/dist/main.js");
  const record = "packages/cli/dist/.tsbuildinfo";
  const run = (file: string, script: string, env: Record<string, string> = {}) =>
    spawnSync(process.execPath, ["-e", `import("${join(bin, file)}").then((its) => ${script})`], {
      encoding: "utf8",
      env: { PATH: process.env["PATH"], FOLDER: folder, ...env },
    });
  return {
    folder,
    record: join(root, record),
    /** As tsc does when it has compiled something: now, or so many seconds from now. */
    compile(inSeconds = -60) {
      write(record);
      const at = Date.now() / 1000 + inSeconds;
      utimesSync(join(root, record), at, at);
    },
    bundle: (chunk: string, env: Record<string, string> = {}) =>
      run("prepare.mjs", "its.bundleProgram()", { CHUNK: chunk, ...env }).status,
    program: () => relative(root, run("program.mjs", "process.stdout.write(its.findProgram())").stdout),
    chunks: () => readdirSync(folder).filter((name) => name.startsWith("chunk")),
    /** Makes everything as if it had been done so many hours before. */
    pass(hours: number) {
      const stamp = join(folder, ".bundled");
      const at = Date.now() / 1000 - hours * 3600;
      for (const name of readdirSync(folder)) utimesSync(join(folder, name), at, at);
      if (existsSync(stamp)) writeFileSync(stamp, String(at * 1000 - 1));
    },
  };
}

const files = "packages/cli/dist/main.js";
const bundle = "packages/cli/dist/bundle/main.js";

it("a bundle that was interrupted, failed, or began before something was compiled is not used", () => {
  const clone = makeClone();
  clone.compile();
  expect([clone.program(), clone.bundle("chunk-1.js"), clone.program()]).toEqual([files, 0, bundle]);
  clone.compile(1);
  expect(clone.program()).toBe(files);
  expect([clone.bundle("chunk-2.js", { IS_CUT: "1" }), clone.program()]).toEqual([null, files]);
  clone.compile();
  expect(clone.program()).toBe(files);
  expect([clone.bundle("chunk-2.js", { IS_FAILING: "1" }), clone.program()]).toEqual([1, files]);
  expect([clone.bundle("chunk-2.js", { RECORD: clone.record }), clone.program()]).toEqual([0, files]);
  expect([clone.bundle("chunk-2.js"), clone.program()]).toEqual([0, bundle]);
});

it("files that a running master may still load are kept for a day after another bundle replaced them", () => {
  const clone = makeClone();
  const bundleAgain = (chunk: string) => {
    clone.compile(1);
    expect(clone.bundle(chunk)).toBe(0);
    return clone.chunks();
  };
  expect(bundleAgain("chunk-1.js")).toEqual(["chunk-1.js"]);
  // However old the bundle is, it is in use until now.
  clone.pass(72);
  expect(bundleAgain("chunk-2.js")).toEqual(["chunk-1.js", "chunk-2.js"]);
  expect(bundleAgain("chunk-3.js")).toEqual(["chunk-1.js", "chunk-2.js", "chunk-3.js"]);
  for (const name of ["chunk-1.js", "chunk-2.js"]) {
    const at = Date.now() / 1000 - 25 * 3600;
    utimesSync(join(clone.folder, name), at, at);
  }
  expect(bundleAgain("chunk-3.js")).toEqual(["chunk-3.js"]);
});
