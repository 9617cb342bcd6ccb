import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setUpOnDemand } from "../setup.mjs";
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
  /** Carries out what a user gives to `docker compose`, in a directory with a compose file. */
  compose(args: readonly string[], options: { cwd: string }): Promise<{ stdout: string; stderr: string }>;
}

const minute = 60_000;
const node = "localhost/node:24-bookworm-slim";

export async function startImageBuilds(): Promise<TestImages> {
  const archive = await makeNodeImage();
  const { directory, podman, program, args: global, env } = makePodmanStorage({ driver: "overlay" });
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
  // podman-compose calls Podman by its name.
  const wrapper = join(directory, "bin", "podman");
  mkdirSync(dirname(wrapper));
  writeFileSync(wrapper, `#!/bin/sh\nexec ${[program, ...global].join(" ")} "$@"\n`, { mode: 0o755 });
  return {
    directory,
    node,
    docker: ([command = "", ...args], options) =>
      podman([command, ...(added[command] ?? []), ...args], { timeoutMs: 30 * minute, ...withoutUndefined(options) }),
    async logs(container) {
      const { stdout, stderr } = await podman(["logs", container]);
      return stdout + stderr;
    },
    compose: (args, { cwd }) =>
      runProcess({
        name: `podman-compose ${args[0]}`,
        command: join(
          setUpOnDemand("podman-compose", () => undefined),
          "bin",
          "podman-compose",
        ),
        args: [
          `--podman-path=${wrapper}`,
          "--in-pod=false",
          `--podman-build-args=${building.join(" ")}`,
          `--podman-run-args=${containerLimits.join(" ")}`,
          ...args,
        ],
        env,
        cwd,
        timeoutMs: 30 * minute,
      }),
  };
}

function withoutUndefined(options: { cwd?: string; input?: string | undefined } = {}) {
  const { input, ...others } = options;
  return input === undefined ? others : { ...others, input };
}
