import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ClusterConfig, clusterConfig } from "@multimaster/config";
import { forkProperty, Results } from "@multimaster/core";
import { artifacts, equals } from "@multimaster/data";
import { queryRows } from "@multimaster/database";
import directory from "@multimaster/plugins/artifact-stores/directory";
import s3 from "@multimaster/plugins/artifact-stores/s3";
import download from "@multimaster/plugins/steps/download";
import downloadText from "@multimaster/plugins/steps/download-text";
import fetchArtifacts from "@multimaster/plugins/steps/fetch-artifacts";
import junit from "@multimaster/plugins/steps/junit";
import loadProperties from "@multimaster/plugins/steps/load-properties";
import masterCommand from "@multimaster/plugins/steps/master-command";
import restoreCache from "@multimaster/plugins/steps/restore-cache";
import saveCache from "@multimaster/plugins/steps/save-cache";
import shell from "@multimaster/plugins/steps/shell";
import upload from "@multimaster/plugins/steps/upload";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBuildbotWorker } from "../../harness/buildbot-worker.ts";
import { type Engine, endAfterTest, localWorkers, type Steps, startEngine } from "../../harness/engine.ts";
import { startS3, type TestS3 } from "../../harness/s3-server.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";

let server: TestS3;
beforeAll(async () => {
  server = await startS3();
}, 120_000);
afterAll(() => server.stop());

type Artifacts = NonNullable<Parameters<typeof clusterConfig.parse>[0]> & { store: unknown };
type Shared = Pick<ClusterConfig, "artifacts" | "onMaster">;

/** The part of the config that the steps need, parsed as a master does. */
function shared(artifacts: object, onMaster: object = {}): Shared {
  const parsed = clusterConfig.parse({
    name: "test",
    database: "sqlite:x",
    artifacts: artifacts as Artifacts,
    onMaster,
  });
  return { artifacts: parsed.artifacts, onMaster: parsed.onMaster };
}

const inDirectory = () => ({ store: directory({ path: temporaryDirectory("artifacts") }) });

async function startWithPython(
  builders: Record<string, Steps>,
  config: Shared,
  protocol: "pb" | "msgpack_experimental_v7",
) {
  const workers = { host: "127.0.0.1", port: 0, workers: [{ name: "w1", password: "secret" }] };
  const engine = await startEngine(builders, { workers, shared: config });
  const worker = await startBuildbotWorker({ port: engine.port(), name: "w1", password: "secret", protocol });
  endAfterTest(() => worker.stop());
  return engine;
}

const worlds: Record<string, (builders: Record<string, Steps>) => Promise<Engine>> = {
  "our own worker, a directory": (builders) =>
    startEngine(builders, { workers: localWorkers, shared: shared(inDirectory()) }),
  "our own worker, S3": async (builders) =>
    startEngine(builders, { workers: localWorkers, shared: shared({ store: s3(await server.makeBucket("own")) }) }),
  "buildbot-worker over msgpack, S3": async (builders) =>
    startWithPython(builders, shared({ store: s3(await server.makeBucket("msgpack")) }), "msgpack_experimental_v7"),
  "buildbot-worker over pb, a directory": async (builders) => startWithPython(builders, shared(inDirectory()), "pb"),
};

/** Builds it; returns its result and the ends of its steps, without the preparation of the worker. */
async function build(engine: Engine, builder: string, more: Parameters<Engine["submit"]>[1] = {}) {
  const [end] = await engine.finished(await engine.submit(builder, more));
  const buildid = end?.buildid as number;
  const steps = (await engine.stepsOf(buildid)).slice(1);
  return {
    buildid,
    results: end?.results,
    steps: steps.map(({ name, results, state_string }) => `${name}: ${results} ${state_string}`),
    output: async (step: string) => {
      const text = await engine.logText(steps.find((one) => one.name === step)?.stepid as number, "stdio");
      return text.replaceAll(/^[^o].*\n/gm, "").replaceAll(/^o/gm, "");
    },
  };
}

async function listed(engine: Engine, buildid: number): Promise<string[]> {
  const { rows } = await engine.data.find(artifacts, { filters: [equals("buildid", buildid)], order: ["name"] });
  return rows.map(({ name, size }) => `${name} ${size}`);
}

const states = (engine: Engine) =>
  queryRows<{ name: string; state: string; reason: string | null }>(
    engine.database,
    "select name, state, reason from mm_artifacts order by artifactid",
  );

const make = shell({
  name: "make",
  command:
    "mkdir -p out/deep && echo one > out/a.txt && echo two > out/deep/b.txt && : > out/empty && head -c 9000000 /dev/zero > big.bin",
});

describe.each(Object.entries(worlds))("with %s", (world, start) => {
  it("files go to the store and come back, in this build and in another", async () => {
    const engine = await start({
      package: [
        make,
        upload({ name: "several", files: ["out/*.txt", "big.bin"], prefix: "dist/" }),
        upload({ name: "all", directory: "out" }),
        upload({ name: "none", files: "*.nothing", whenMissing: "warnings" }),
        download({ artifact: "dist/big.bin", to: "copy/big.bin", mode: 0o755 }),
        shell({ name: "same", command: "cmp big.bin copy/big.bin && test -x copy/big.bin" }),
      ],
      deploy: [
        fetchArtifacts({ builder: "package", names: ["deep/*", "dist/*", "empty"], to: "got", property: "from" }),
        downloadText({ text: "hidden ü\n", to: "key", mode: 0o600 }),
        shell({
          name: "check",
          command:
            "cat got/deep/b.txt got/dist/out/a.txt key; test ! -s got/empty && test ! -e got/a.txt; stat -c %a key; wc -c < got/dist/big.bin",
        }),
      ],
    });
    const first = await build(engine, "package");
    expect(first.steps).toEqual([
      expect.stringMatching(/^make: 0/),
      "several: 0 2 files uploaded",
      "all: 0 3 files uploaded",
      expect.stringMatching(/^none: 1 no files to upload \(no file in build matches /),
      "download: 0 download copy/big.bin",
      expect.stringMatching(/^same: 0/),
    ]);
    expect(await listed(engine, first.buildid)).toEqual([
      "a.txt 4",
      "deep/b.txt 4",
      "dist/big.bin 9000000",
      "dist/out/a.txt 4",
      "empty 0",
    ]);
    const second = await build(engine, "deploy");
    expect(second.steps).toEqual([
      `fetch-artifacts: 0 4 artifacts of build ${first.buildid}`,
      "download-text: 0 write key",
      expect.stringMatching(/^check: 0/),
    ]);
    expect(await second.output("check")).toBe("two\none\nhidden ü\n600\n9000000\n");
    expect((await states(engine)).every(({ state }) => state === "complete")).toBe(true);
  });

  it("pipes and sockets are refused by their paths, and skipped by patterns and in directories", async () => {
    const engine = await start({
      up: [
        shell({ command: "mkdir -p out && echo a > out/a && mkfifo out/pipe" }),
        upload({ name: "path", files: "out/pipe", haltOnFailure: false, flunkOnFailure: false }),
        loadProperties({ name: "properties", file: "out/pipe", haltOnFailure: false, flunkOnFailure: false }),
        junit({ name: "reports", files: "out/p*", haltOnFailure: false, flunkOnFailure: false }),
        upload({ name: "device", files: "/dev/zero", haltOnFailure: false, flunkOnFailure: false }),
        upload({ name: "pattern", files: "out/*", prefix: "p/" }),
        upload({ name: "directory", directory: "out" }),
      ],
    });
    const { buildid, steps } = await build(engine, "up");
    expect(steps.slice(1)).toEqual([
      expect.stringMatching(/^path: 2 upload \(.*out\/pipe on worker w1 is a pipe: only files are read\)$/),
      expect.stringMatching(/^properties: 2 .*out\/pipe on worker w1 is a pipe: only files are read$/),
      expect.stringMatching(/^reports: 2 /),
      "device: 2 upload (/dev/zero on worker w1 is a device: only files are read)",
      "pattern: 0 1 file uploaded",
      "directory: 0 1 file uploaded",
    ]);
    expect(await listed(engine, buildid)).toEqual(["a 2", "p/out/a 2"]);
    for (const stepid of (await engine.stepsOf(buildid)).slice(-2).map((step) => step.stepid))
      expect(await engine.logText(stepid, "stdio")).toMatch(/skipped .*out\/pipe: it is a pipe/);
  });

  it("what cannot be read or written is a failure with one sentence", async () => {
    const soft = { haltOnFailure: false, flunkOnFailure: false };
    const engine = await start({
      up: [
        shell({ command: "mkdir -p out && echo a > out/a && mkfifo out/pipe && ln -s out linked" }),
        // A file of the kernel: it is there, has no size, and fails each read.
        upload({ name: "kernel", files: "/proc/self/mem", ...soft }),
        junit({ name: "reports", files: "/proc/self/mem", ...soft }),
        saveCache({ name: "cache", key: "k", files: ["/proc/self/mem"], paths: ["out"], ...soft }),
        upload({ name: "directory", files: "out", ...soft }),
        upload({ name: "file", directory: "out/a", ...soft }),
        upload({ name: "link", directory: "linked", ...soft }),
        upload({ name: "nul", files: "a\0b", ...soft }),
        downloadText({ name: "pipe", text: "x", to: "out/pipe", ...soft }),
        shell({ name: "argument", command: ["echo", "a\0b"], ...soft }),
        shell({ name: "pipe stays", command: "test -p out/pipe" }),
      ],
    });
    const { results, steps } = await build(engine, "up");
    const isPython = world.startsWith("buildbot-worker");
    expect(steps.slice(1)).toEqual([
      expect.stringMatching(/^kernel: 2 upload \(The file \/proc\/self\/mem .*cannot be read[^[]* on worker w1.*\)$/),
      expect.stringMatching(/^reports: 2 no tests \(\/proc\/self\/mem: The file .* cannot be read/),
      expect.stringMatching(/^cache: 2 save cache \(The file .* cannot be read/),
      expect.stringMatching(/^directory: 2 upload \(.*\/out on worker w1 is a directory: only files are read\)$/),
      expect.stringMatching(/^file: 2 upload \(.*\/out\/a (is not there|on worker w1 is a file, not a directory)/),
      isPython
        ? expect.stringMatching(/^link: 2 upload \(The directory is itself a link, which this worker does not follow/)
        : "link: 0 1 file uploaded",
      expect.stringMatching(/^nul: 2 .*has a NUL character/),
      expect.stringMatching(
        /^pipe: 2 write out\/pipe \(.*\/out\/pipe on worker w1 is a pipe: only a file is replaced\)$/,
      ),
      expect.stringMatching(/^argument: 2 .*\("a\\u0000b" has a NUL character/),
      expect.stringMatching(/^pipe stays: 0/),
    ]);
    expect(results).toBe(Results.WARNINGS);
  });

  it("names that are not UTF-8 arrive with a directory, each as its own; a pattern says what it cannot take", async () => {
    const names = ["caf\\351", "caf\\350/f", `${"n".repeat(120)}\\351`];
    const make = names.map((name) => `f=out/$(printf '${name}'); mkdir -p "$(dirname "$f")"; echo a > "$f"`);
    const engine = await start({
      up: [
        shell({ command: [...make, "echo b > out/good"].join("\n") }),
        upload({ name: "directory", directory: "out" }),
        upload({ name: "pattern", files: "out/*", prefix: "p/" }),
      ],
    });
    const { buildid, steps } = await build(engine, "up");
    const long = `${"n".repeat(120)}%E9`;
    const ofDirectory = ["caf%E8/f 2", "caf%E9 2", "good 2", `${long} 2`];
    const [directory, pattern] = (await engine.stepsOf(buildid)).slice(-2).map((step) => step.stepid);
    expect(await engine.logText(directory as number, "stdio")).toContain(
      "caf%E9: so named since the worker's name is not",
    );
    expect(steps[1]).toBe("directory: 0 4 files uploaded");
    // A buildbot-worker finds nothing where one such name is.
    if (world.startsWith("buildbot-worker")) {
      expect(steps[2]).toMatch(/^pattern: 2 .*not UTF-8 text, upload its directory instead/);
      expect(await listed(engine, buildid)).toEqual(ofDirectory);
      return;
    }
    expect(steps[2]).toBe("pattern: 0 1 file uploaded");
    expect(await listed(engine, buildid)).toEqual([...ofDirectory, "p/out/good 2"]);
    expect(await engine.logText(pattern as number, "stdio")).toMatch(/skipped .*out\/caf\ufffd: its name is not UTF-8/);
  });

  it("caches are restored by key or by its beginning, and builds of forks only read them", async () => {
    const restore = restoreCache({ key: "deps-", files: ["lock"], fallbackKeys: ["deps-"], property: "hit" });
    const engine = await start({
      cached: [
        shell({ name: "lock", command: (b) => `rm -rf deps; echo ${b.property("version")} > lock` }),
        restore,
        shell({ name: "had", command: "cat deps/x || true; mkdir -p deps; cat lock > deps/x" }),
        saveCache({ key: "deps-", files: ["lock"], paths: ["deps"] }),
      ],
    });
    const run = async (version: string, more: Record<string, [boolean, string]> = {}) => {
      const { steps, output } = await build(engine, "cached", { properties: { version: [version, "test"], ...more } });
      return [steps[1], steps[3], /^\d$/m.exec(await output("had"))?.[0]];
    };
    expect(await run("1")).toEqual(["restore-cache: 0 no cache", "save-cache: 0 cache saved", undefined]);
    const fork = await run("2", { [forkProperty]: [true, "test"] });
    expect(fork[0]).toMatch(/^restore-cache: 0 older cache restored \(deps-[0-9a-f]{32}\)$/);
    expect(fork.slice(1)).toEqual(["save-cache: 3 cache not saved (builds of a fork's code write no caches)", "1"]);
    expect(await run("2").then(([, saved, had]) => [saved, had])).toEqual(["save-cache: 0 cache saved", "1"]);
    expect(await run("2")).toEqual(["restore-cache: 0 cache restored", "save-cache: 0 cache is there already", "2"]);
    expect((await engine.data.find(artifacts)).total).toBe(0);
  });
});

describe("a key of a cache", () => {
  it("has no secret: it is there for all to read", async () => {
    const key = (b: { secret(name: string): string }) => `deps-${b.secret("token")}`;
    const builders = {
      save: [saveCache({ key, paths: ["."] } as never)],
      restore: [restoreCache({ key: "deps", fallbackKeys: [key] } as never)],
    };
    const engine = await startEngine(builders, { shared: shared(inDirectory()), secrets: { token: "s3cr3t-t0ken" } });
    for (const builder of Object.keys(builders))
      expect((await build(engine, builder)).steps[0]).toContain("The key of a cache has a secret in it");
  });
});

/** The files of a store in a directory. */
const objectsIn = (path: string) =>
  readdirSync(path, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );

describe("what is refused", () => {
  const store = () => {
    const path = temporaryDirectory("artifacts");
    return { path, config: (more: object = {}) => shared({ store: directory({ path }), ...more }) };
  };

  it("is said in a sentence, and nothing half is left", async () => {
    const { path, config } = store();
    const engine = await startEngine(
      {
        links: [
          shell({ command: "mkdir -p out && echo a > out/a && ln -s /etc/passwd out/z" }),
          upload({ directory: "out" }),
        ],
        large: [shell({ command: "head -c 300000 /dev/zero > big" }), upload({ files: "big" })],
        many: [shell({ command: "mkdir -p d && touch d/1 d/2 d/3 d/4" }), upload({ directory: "d" })],
        missing: [upload({ files: "missing" })],
        patterns: [upload({ files: "*.missing" })],
        branch: [shell({ command: "touch @main" }), upload({ files: "@main" })],
        unknown: [fetchArtifacts({ builder: "large" })],
      },
      { shared: config({ maxSize: 200_000, maxFiles: 3 }) },
    );
    const last = async (builder: string) => (await build(engine, builder)).steps.at(-1);
    expect(await last("links")).toMatch(
      /^upload: 2 upload \(The worker's archive has "z", which is a link: only files/,
    );
    expect(await last("large")).toMatch(
      /^upload: 2 upload \(The file .*big is larger than 200000 bytes \(maxSize\)\)$/,
    );
    expect(await last("many")).toBe("upload: 2 upload (There are more than 3 files (maxFiles))");
    expect(await last("missing")).toMatch(
      /^upload: 2 upload \(The file .*missing is not there, or cannot be read, on worker w1\)$/,
    );
    expect(await last("patterns")).toMatch(/^upload: 2 no files to upload \(no file in build matches .+\)$/);
    expect(await last("branch")).toMatch(/cannot be the name of an artifact: it begins with "@"/);
    expect(await last("unknown")).toBe("fetch-artifacts: 2 no artifacts to fetch (no build has any)");
    expect((await engine.data.find(artifacts)).total).toBe(0);
    await engine.data.updates.artifacts.expire(unbounded, null);
    for (const object of await engine.data.updates.artifacts.takeRemovable())
      expect(objectsIn(path).some((file) => file.endsWith(`${object.key}.part`))).toBe(false);
  });

  it("finds files by patterns on a worker whose directory's name has characters of patterns", async () => {
    const engine = await startEngine(
      {
        up: [
          shell({ command: "mkdir -p dist && touch dist/a.tar.gz dist/b.tar.gz dist/c" }),
          upload({ files: "dist/*.tar.gz" }),
          saveCache({ key: "k-", files: ["dist/?"], paths: ["dist"] }),
        ],
      },
      { shared: shared(inDirectory()), directory: temporaryDirectory("work[1]ers*") },
    );
    expect((await build(engine, "up")).steps.slice(1)).toEqual([
      "upload: 0 2 files uploaded",
      expect.stringMatching(/^save-cache: 0 /),
    ]);
  });

  it("without a store, every step that needs one fails with the option's name", async () => {
    const engine = await startEngine({
      up: [upload({ files: "x" })],
      get: [fetchArtifacts({ builder: "up" })],
      cache: [restoreCache({ key: "k" })],
    });
    const sentence = "The cluster has no artifact store: its config names none (artifacts)";
    expect((await build(engine, "up")).steps).toEqual([`upload: 2 upload (${sentence})`]);
    expect((await build(engine, "get")).steps).toEqual([`fetch-artifacts: 2 fetch artifacts (${sentence})`]);
    expect((await build(engine, "cache")).steps).toEqual([`restore-cache: 2 restore cache (${sentence})`]);
  });

  it("bytes that have changed in the store reach no worker as a whole file", async () => {
    const { path, config } = store();
    const engine = await startEngine(
      {
        up: [shell({ command: "head -c 200000 /dev/urandom > big" }), upload({ files: "big" })],
        get: [fetchArtifacts({ builder: "up" }), shell({ name: "left", command: "test ! -e big", alwaysRun: true })],
      },
      { shared: config() },
    );
    await build(engine, "up");
    const [object = ""] = objectsIn(path);
    const bytes = readFileSync(object);
    writeFileSync(object, Buffer.concat([bytes.subarray(0, 199_999), Buffer.from([(bytes[199_999] ?? 0) ^ 1])]));
    const { steps } = await build(engine, "get");
    expect(steps).toEqual([
      expect.stringMatching(/^fetch-artifacts: 2 .*"big" is damaged in the artifact store/),
      expect.stringMatching(/^left: 0/),
    ]);
    appendFileSync(object, "more");
    expect((await build(engine, "get")).steps[0]).toMatch(/is damaged in the artifact store/);
  });

  it("a disk that is full, and a server that is at fault, fail the step", async () => {
    const builders = { up: [shell({ command: "head -c 300000 /dev/zero > big" }), upload({ files: "big" })] };
    const { path, config } = store();
    const full = await startEngine(builders, { shared: config() });
    // No directory can be made where a file stands.
    for (let i = 0; i < 256; i += 1) writeFileSync(join(path, i.toString(16).padStart(2, "0")), "");
    expect((await build(full, "up")).steps[1]).toMatch(
      /^upload: 2 upload \(The artifact store, the directory .*, failed: a file stands where a directory must be\)$/,
    );
    const gone = shared({
      store: s3({ endpoint: "http://127.0.0.1:9", bucket: "none", accessKeyId: "k", secretAccessKey: "s" }),
    });
    const engine = await startEngine(builders, { shared: gone });
    expect((await build(engine, "up")).steps[1]).toMatch(
      /^upload: 2 upload \(The artifact store, the bucket none at 127/,
    );
    expect((await engine.data.find(artifacts)).total).toBe(0);
  });
});

const unbounded = { keepForSeconds: null, keepBuilds: null, cacheUnusedSeconds: 1e9, cacheBytes: 1e15 };

describe("on the master's machine", () => {
  it("nothing is allowed unless the config allows it, and never to builds of forks", async () => {
    const there = temporaryDirectory("there");
    writeFileSync(join(there, "notes.txt"), "from the master\n");
    mkdirSync(join(there, "www"));
    symlinkSync("/etc", join(there, "www", "elsewhere"));
    const builders = {
      command: [masterCommand({ command: ["/bin/sh", "-c", 'printf %s "$1"', "-", "a'b"], property: "said" })],
      read: [
        download({ fromMaster: join(there, "notes.txt"), to: "notes.txt" }),
        shell({ name: "cat", command: "cat notes.txt" }),
      ],
      write: [
        shell({ name: "make", command: "echo page > index.html" }),
        upload({ files: "index.html", toMaster: join(there, "www/deep/index.html") }),
      ],
      escape: [
        shell({ name: "make", command: "echo x > x" }),
        upload({ files: "x", toMaster: join(there, "www/elsewhere/x") }),
      ],
      large: [
        shell({ name: "make", command: "mkdir d && echo one > d/1 && echo two > d/2" }),
        upload({ directory: "d", toMaster: join(there, "www/large"), maxSize: 5 }),
      ],
      other: [download({ fromMaster: "/etc/passwd", to: "p" })],
    };
    const closed = await startEngine(builders, { shared: shared(inDirectory()) });
    for (const [builder, sentence] of [
      ["command", "The config allows no commands on the master's machine (onMaster.commands)"],
      ["read", "onMaster.readFrom names no directory"],
      ["write", "onMaster.writeTo names no directory"],
    ] as const)
      expect((await build(closed, builder)).steps.at(-1)).toContain(sentence);
    await closed.stop();
    const allowed = { commands: true, readFrom: [there], writeTo: [join(there, "www")] };
    const engine = await startEngine(builders, { shared: shared(inDirectory(), allowed) });
    const command = await build(engine, "command");
    expect(command.steps).toEqual(["master-command: 0 '/bin/sh -c ...' on the master"]);
    expect((await engine.properties(command.buildid))["said"]).toEqual(["a'b", "master-command"]);
    expect(await (await build(engine, "read")).output("cat")).toBe("from the master\n");
    expect((await build(engine, "write")).results).toBe(Results.SUCCESS);
    expect(readFileSync(join(there, "www/deep/index.html"), "utf8")).toBe("page\n");
    expect((await build(engine, "escape")).steps.at(-1)).toContain("onMaster.writeTo names");
    expect((await build(engine, "large")).steps.at(-1)).toContain("have more than 5 bytes (maxSize)");
    expect(readdirSync(join(there, "www/large"))).toEqual(["1"]);
    expect((await build(engine, "other")).steps.at(-1)).toContain("onMaster.readFrom names");
    const fork = await build(engine, "command", { properties: { [forkProperty]: [true, "test"] } });
    expect(fork.steps.at(-1)).toContain("A build of a fork's code may do nothing on the master's machine");
  });

  it("a command has limits, and ends with all that it has started", async () => {
    const marks = temporaryDirectory("marks");
    const engine = await startEngine(
      {
        slow: [
          masterCommand({ command: ["/bin/sh", "-c", `(sleep 3; touch ${marks}/late) & sleep 60`], timeout: "300ms" }),
        ],
        // It leaves the process group, and keeps the output open.
        away: [
          masterCommand({
            command: [
              "/bin/sh",
              "-c",
              `setsid sh -c "touch ${marks}/left; sleep 4; touch ${marks}/away" & until test -e ${marks}/left; do :; done`,
            ],
            timeout: "300ms",
          }),
        ],
        loud: [masterCommand({ command: ["yes"], maxOutput: 10_000 })],
        none: [masterCommand({ command: ["/does/not/exist"] })],
        fails: [masterCommand({ command: ["/bin/sh", "-c", "echo no >&2; exit 3"] })],
      },
      { shared: shared(inDirectory(), { commands: true }) },
    );
    const last = async (builder: string) => (await build(engine, builder)).steps.at(-1);
    expect(await last("slow")).toContain("(it ran longer than 0.3 seconds (timeout))");
    expect(await last("away")).toContain("(it ran longer than 0.3 seconds (timeout))");
    expect(existsSync(join(marks, "away"))).toBe(false);
    expect(await last("loud")).toBe(
      "master-command: 2 'yes' on the master (it wrote more than 10000 bytes (maxOutput))",
    );
    expect(await last("none")).toContain(
      "The program cannot be started on the master: a part of the path does not exist",
    );
    expect(await last("fails")).toContain("(code 3)");
    expect(existsSync(join(marks, "late"))).toBe(false);
  });
});
