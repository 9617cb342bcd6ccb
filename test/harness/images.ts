import { join } from "node:path";
import { onCleanup } from "./cleanup.ts";
import { makeNodeImage } from "./node-image.ts";
import { containerLimits, makePodmanStorage } from "./podman-storage.ts";
import { runProcess } from "./processes.ts";
import { registrySettings } from "./registry-settings.ts";

/** A Podman that builds and runs images as Docker does, with an image that stands for Node's. */
export interface TestImages {
  readonly directory: string;
  /** The name of the image that stands for node:24-bookworm-slim. */
  readonly node: string;
  /** Carries out what a user gives to `docker`. */
  docker(
    args: readonly string[],
    options?: { cwd?: string; input?: string | undefined },
  ): Promise<{ stdout: string; stderr: string }>;
  /** What a container printed so far. */
  logs(container: string): Promise<string>;
}

const minute = 60_000;
const node = "localhost/node:24-bookworm-slim";

export async function startImageBuilds(): Promise<TestImages> {
  const archive = await makeNodeImage();
  const { directory, podman } = makePodmanStorage({ driver: "overlay" });
  onCleanup(async () => {
    await podman(["rm", "--all", "--force", "--time=0"]);
    await podman(["network", "prune", "--force"]);
    // Podman mounts it for itself, and a mounted directory cannot be removed.
    const unmount = '! mountpoint -q "$1" || umount "$1"';
    await runProcess({
      name: "umount",
      command: "sh",
      args: ["-c", unmount, "sh", join(directory, "storage", "overlay")],
    });
  });
  await podman(["import", archive, node], { timeoutMs: 5 * minute });
  const settings = await registrySettings(directory);
  // A builder of Podman has a network of its own; the machine's is the one that reaches the registries.
  const building = ["--network=host", `--build-arg=NODE=${node}`, ...containerLimits, ...settings];
  const added: Readonly<Record<string, readonly string[]>> = { build: building, run: containerLimits };
  return {
    directory,
    node,
    docker: ([command = "", ...args], options) =>
      podman([command, ...(added[command] ?? []), ...args], { timeoutMs: 30 * minute, ...withoutUndefined(options) }),
    async logs(container) {
      const { stdout, stderr } = await podman(["logs", container]);
      return stdout + stderr;
    },
  };
}

function withoutUndefined(options: { cwd?: string; input?: string | undefined } = {}) {
  const { input, ...others } = options;
  return input === undefined ? others : { ...others, input };
}
