import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findPodman } from "../setup.mjs";
import { runProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A directory of images, containers and networks, so that no other Podman of this machine is touched. */
export interface PodmanStorage {
  readonly directory: string;
  readonly program: string;
  /** What each call of the program begins with. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Runs it to its end; fails with its output when the exit code is not 0. */
  podman(
    args: readonly string[],
    options?: { timeoutMs?: number; cwd?: string; input?: string },
  ): Promise<{ stdout: string; stderr: string }>;
}

/** Without them Podman asks for more than the limits of a container that it runs in itself. */
export const containerLimits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"];

/** Layers are copies ("vfs", on every file system) or overlays, which are faster and much smaller. */
export function makePodmanStorage({ driver }: { driver: "vfs" | "overlay" }): PodmanStorage {
  const found = findPodman();
  if (!found) throw new Error("Podman is not set up: run `node test/setup.mjs` first");
  const program = found.podman;
  const directory = temporaryDirectory("podman");
  const at = (name: string) => join(directory, name);
  writeFileSync(
    at("containers.conf"),
    `[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
${driver === "vfs" ? "" : '[network]\nnetwork_backend = "netavark"\n'}`,
  );
  const args = ["--root", at("storage"), "--runroot", at("run"), "--tmpdir", at("tmp"), `--storage-driver=${driver}`];
  if (driver === "overlay") args.push("--network-config-dir", at("networks"));
  const env = { CONTAINERS_CONF: at("containers.conf") };
  return {
    directory,
    program,
    args,
    env,
    podman: (more, options) =>
      runProcess({ name: `podman ${more[0]}`, command: program, args: [...args, ...more], env, ...options }),
  };
}
