import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { queryRows } from "@multimaster/database";
import command from "@multimaster/plugins/latent-workers/command";
import shell from "@multimaster/plugins/steps/shell";
import { expect, it } from "vitest";
import { markedEnvironment } from "../../harness/cleanup.ts";
import { type Engine, startEngine } from "../../harness/engine.ts";
import { runProcess } from "../../harness/processes.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";

const root = fileURLToPath(new URL("../../..", import.meta.url));

/** A directory with the stand-in under the name of the real program. */
function provide(program: string): { state: string; env: Record<string, string> } {
  const state = temporaryDirectory("recipe");
  const programs = join(state, "programs");
  mkdirSync(programs);
  symlinkSync(join(root, "test/harness/programs", `${program}.mjs`), join(programs, program));
  const path = `${programs}:${dirname(process.execPath)}:${process.env["PATH"]}`;
  return { state, env: { PATH: path, FAKE_STATE: state, ...markedEnvironment() } };
}

async function startWith(script: string, env: Record<string, string>): Promise<Engine> {
  const run = (word: string) => ["sh", join(root, "configs/latent-workers", script), word];
  const pool = command({
    name: "pool",
    maxInstances: 2,
    start: run("start"),
    stop: run("stop"),
    list: run("list"),
    env,
    retryAfter: "1s",
  });
  return startEngine(
    { b: [shell({ name: "work", command: "true" })] },
    { workers: { host: "127.0.0.1", port: 0, workers: [], latent: [pool] }, more: { workers: ["pool"] } },
  );
}

const recipes = {
  "libvirt.sh": {
    program: "virsh",
    settings: {
      LIBVIRT_URI: "test:///default",
      LIBVIRT_POOL: "ci",
      LIBVIRT_IMAGE: "debian.qcow2",
      LIBVIRT_DOMAIN: join(root, "configs/latent-workers/libvirt.xml"),
    },
  },
} as const;

it.each(Object.entries(recipes))(
  "%s starts an instance for a build, ends it and what is left of its cluster, and nothing else",
  async (script, { program, settings }) => {
    const { state, env } = provide(program);
    const engine = await startWith(script, { ...env, ...settings });
    const [identity] = await queryRows<{ clusterid: string }>(
      engine.database,
      "select clusterid from mm_cluster_identity",
    );
    const cluster = identity?.clusterid as string;
    const ask = async (
      word: readonly string[],
      labels: readonly [cluster: string, latent: string, instance: string],
    ) => {
      const [MULTIMASTER_CLUSTER, MULTIMASTER_LATENT, MULTIMASTER_INSTANCE] = labels;
      const login = { MASTER_URL: "ws://127.0.0.1:9", WORKER_NAME: "w", WORKER_PASSWORD: "p" };
      const { stdout } = await runProcess({
        name: script,
        command: "sh",
        args: [join(root, "configs/latent-workers", script), ...word],
        env: { ...env, ...settings, MULTIMASTER_CLUSTER, MULTIMASTER_LATENT, MULTIMASTER_INSTANCE, ...login },
      });
      return stdout.trim();
    };
    // Of this cluster without a row; of another cluster; of another latent worker whose name only begins like this one's.
    const others = [["another", "pool", "5"] as const, [cluster, "pool-2", "6"] as const];
    const leftover = await ask(["start"], [cluster, "pool", "4711"]);
    const foreign = [];
    for (const labels of others) foreign.push(`${await ask(["start"], labels)} ${labels[2]}`);

    expect(await engine.finished(await engine.submit("b"))).toMatchObject([{ results: 0 }]);
    await waitFor(async () => (await ask(["list"], [cluster, "pool", "0"])) === "", {
      what: "its own instances to be gone",
      timeoutMs: 60_000,
    });
    expect(await queryRows(engine.database, "select * from mm_worker_instances")).toEqual([]);
    for (const [i, labels] of others.entries()) expect(await ask(["list"], labels)).toBe(foreign[i]);
    // One that is gone already is no error.
    await ask(["stop", leftover], [cluster, "pool", "0"]);
    expect(engine.said.join("\n")).toContain(`an instance of pool that no one looked after is ended: ${leftover}`);
    for (const [i, labels] of others.entries())
      await ask(["stop", (foreign[i] as string).split(" ")[0] as string], labels);
    expect(readFileSync(join(state, "asked"), "utf8")).not.toBe("");
  },
);

it("libvirt.sh fails, and deletes nothing, when virsh does", async () => {
  const { state, env } = provide("virsh");
  const labels = { MULTIMASTER_CLUSTER: "c", MULTIMASTER_LATENT: "pool", MULTIMASTER_INSTANCE: "1" };
  const login = { MASTER_URL: "ws://127.0.0.1:9", WORKER_NAME: "w", WORKER_PASSWORD: "p" };
  const run = async (...args: string[]) => {
    const command = [join(root, "configs/latent-workers/libvirt.sh"), ...args];
    const all = { ...env, ...recipes["libvirt.sh"].settings, ...labels, ...login };
    return (await runProcess({ name: "libvirt.sh", command: "sh", args: command, env: all })).stdout.trim();
  };
  const id = await run("start");
  const failing = { list: "the machines cannot be listed", "vol-list": "the volumes cannot be listed" };
  for (const [command, sentence] of Object.entries(failing)) {
    writeFileSync(join(state, "broken"), command);
    expect(await run("list").catch(String)).toContain(`libvirt.sh: ${sentence}`);
    if (command === "list") expect(await run("stop", id).catch(String)).toContain(`libvirt.sh: ${sentence}`);
    writeFileSync(join(state, "broken"), "");
    expect(await run("list")).toBe(`${id} 1`);
  }
  writeFileSync(join(state, "broken"), "destroy");
  expect(await run("stop", id).catch(String)).toContain("failed to connect to the hypervisor");
  writeFileSync(join(state, "broken"), "");
  expect(await run("list")).toBe(`${id} 1`);
  await run("stop", id);
  expect(await run("list")).toBe("");
});

it("refuses a login that would be more than text in a script", async () => {
  const { env } = provide("virsh");
  const settings = { ...env, ...recipes["libvirt.sh"].settings, MULTIMASTER_CLUSTER: "c", MULTIMASTER_LATENT: "pool" };
  const login = {
    MULTIMASTER_INSTANCE: "1",
    MASTER_URL: "ws://m:1/'; reboot '",
    WORKER_NAME: "w",
    WORKER_PASSWORD: "p",
  };
  const args = [join(root, "configs/latent-workers/libvirt.sh"), "start"];
  const refused = await runProcess({ name: "libvirt.sh", command: "sh", args, env: { ...settings, ...login } }).catch(
    String,
  );
  expect(refused).toContain("libvirt.sh: a value has characters that are not allowed: MASTER_URL");
});
