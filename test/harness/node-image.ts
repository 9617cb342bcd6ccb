import { cpSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { aptInstall, cache, canUseApt, setUpNewestNode } from "../setup.mjs";
import { runProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Debian's programs that make a root file system, and those of container networks with names. */
const packages = ["debootstrap", "netavark", "aardvark-dns", "iptables"];
const minute = 60_000;

/**
 * The archive of a root file system that stands for the image node:24-bookworm-slim, since tests reach no container
 * registry: Debian bookworm, Node 24 with npm in /usr/local, and the user node (1000). It is made once, and kept.
 */
export async function makeNodeImage(): Promise<string> {
  if (!canUseApt() || !aptInstall(packages, console.log))
    throw new Error(`These packages of Debian are needed, and could not be installed: ${packages.join(" ")}`);
  const node = join(
    setUpNewestNode(() => undefined),
    "node",
  );
  const archive = join(cache, "node-24-bookworm-slim.tar");
  if (existsSync(archive)) return archive;
  const root = join(temporaryDirectory("debian"), "root");
  const run = (command: string, ...args: string[]) =>
    runProcess({ name: command, command, args, env: { DEBIAN_FRONTEND: "noninteractive" }, timeoutMs: 20 * minute });
  await run("debootstrap", "--variant=minbase", "bookworm", root, await findMirror());
  cpSync(node, join(root, "usr/local/bin/node"));
  await run("npm", "install", "--global", "--prefix", join(root, "usr/local"), "--no-audit", "--no-fund", "npm@11");
  await run("chroot", root, "useradd", "--create-home", "--uid=1000", "--shell=/bin/bash", "node");
  leaveOutAsSlimImages(root);
  await run("tar", "--directory", root, "--create", "--file", `${archive}.new`, ".");
  renameSync(`${archive}.new`, archive);
  return archive;
}

/** Where this machine gets Debian's packages. */
async function findMirror(): Promise<string> {
  const { stdout } = await runProcess({ name: "apt-cache", command: "apt-cache", args: ["policy", "base-files"] });
  const mirror = /(https?:\/\/\S+) \S+\/main /.exec(stdout)?.[1];
  if (mirror === undefined) throw new Error(`apt-cache names no mirror of Debian:\n${stdout}`);
  return mirror;
}

/** Debian's slim images have no documentation and keep no packages, neither do what is installed in them. */
function leaveOutAsSlimImages(root: string): void {
  const leftOut = ["usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info"];
  for (const path of [...leftOut, "var/cache/apt", "var/lib/apt/lists"]) {
    rmSync(join(root, path), { recursive: true, force: true });
    mkdirSync(join(root, path), { recursive: true });
  }
  const excluded = leftOut.map((path) => `path-exclude /${path}/*\n`).join("");
  writeFileSync(join(root, "etc/dpkg/dpkg.cfg.d/docker"), excluded);
  const removed = "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin";
  writeFileSync(join(root, "etc/apt/apt.conf.d/docker-clean"), `DPkg::Post-Invoke { "${removed} || true"; };\n`);
}
