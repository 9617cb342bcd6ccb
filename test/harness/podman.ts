import { lstatSync, mkdirSync, readlinkSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { onCleanup } from "./cleanup.ts";
import { containerLimits, makePodmanStorage } from "./podman-storage.ts";
import { runProcess, startProcess } from "./processes.ts";
import { waitFor } from "./wait-for.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const image = "localhost/worker:1";

const listed = z.array(z.object({ Id: z.string(), State: z.string(), Labels: z.record(z.string(), z.string()) }));

/** A real Podman that answers the API of Docker Engine, with its own storage and one image. */
export interface TestPodman {
  /** "unix:///…" */
  readonly url: string;
  /** An image whose `/worker` is our own worker; it needs `volumes`. */
  readonly image: string;
  /** What of this machine the image needs, as SOURCE:TARGET:ro: programs, libraries, and this checkout. */
  readonly volumes: readonly string[];
  /** Containers of any state that carry a label, as the API lists them. */
  containers(label: string): Promise<z.output<typeof listed>>;
}

/** Says why this machine runs no containers although Podman is installed; undefined if it does. */
export async function whyNoContainers(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return "only root can start these containers";
  try {
    const { podman, run } = await makeStorage();
    await podman(["run", "--rm", ...containerLimits, "--network=host", ...run, image, "true"]);
    return undefined;
  } catch (error) {
    const sentence = (error as Error).message;
    if (!/operation not permitted|permission denied|read-only file system|no such device/i.test(sentence)) throw error;
    return `the kernel of this machine refuses containers: ${sentence.trim().split("\n").at(-1)}`;
  }
}

/** The API of a Podman with an image of our own worker, and nothing of what else Podman has on this machine. */
export async function startPodman(): Promise<TestPodman> {
  const { directory, podman, args, program, env, volumes } = await makeStorage();
  const socket = join(directory, "api.sock");
  const service = await startProcess({
    name: "podman",
    command: program,
    args: [...args, "system", "service", "--time=0", `unix://${socket}`],
    env,
  });
  onCleanup(async () => {
    await podman(["rm", "--all", "--force", "--time=0"]);
    await service.stop();
  });
  await waitFor(() => ask(socket, "/_ping").catch(() => undefined), { what: "Podman to answer" });
  return {
    url: `unix://${socket}`,
    image,
    volumes,
    containers: async (label) => {
      const filters = encodeURIComponent(JSON.stringify({ label: [label] }));
      return listed.parse(JSON.parse(await ask(socket, `/v1.41/containers/json?all=true&filters=${filters}`)));
    },
  };
}

/** A storage with the image in it, made of copies: they work on every file system, and the image is small. */
async function makeStorage() {
  const storage = makePodmanStorage({ driver: "vfs" });
  const archive = join(storage.directory, "image.tar");
  const { root, volumes } = describeRoot(join(storage.directory, "root"));
  await runProcess({ name: "tar", command: "tar", args: ["-C", root, "-cf", archive, "."] });
  await storage.podman(["import", archive, image]);
  return { ...storage, volumes, run: volumes.map((volume) => `--volume=${volume}`) };
}

/** The files of the image, and what it takes from this machine instead of a copy. */
function describeRoot(root: string): { root: string; volumes: string[] } {
  for (const name of ["etc", "tmp", "run", "proc", "sys", "dev"]) mkdirSync(join(root, name), { recursive: true });
  const shared = new Set(["/usr", repository, realpathSync(repository)]);
  for (const name of ["bin", "lib", "lib64", "sbin"]) {
    const path = `/${name}`;
    const found = lstatSync(path, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) symlinkSync(readlinkSync(path), join(root, name));
    else if (found) shared.add(path);
  }
  const node = dirname(dirname(realpathSync(process.execPath)));
  if (!node.startsWith("/usr")) shared.add(node);
  const program = join(repository, "packages/worker/bin/worker.mjs");
  const script = `#!/bin/sh\nexec '${realpathSync(process.execPath)}' '${program}' "$@"\n`;
  writeFileSync(join(root, "worker"), script, { mode: 0o755 });
  return { root: resolve(root), volumes: [...shared].map((path) => `${path}:${path}:ro`) };
}

function ask(socketPath: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request({ socketPath, path, agent: false }, (answer) => {
      const pieces: Buffer[] = [];
      answer.on("data", (piece: Buffer) => pieces.push(piece));
      answer.on("error", reject);
      answer.on("end", () => resolve(Buffer.concat(pieces).toString()));
    });
    asked.on("error", reject);
    asked.end();
  });
}
