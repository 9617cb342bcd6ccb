import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runProcess } from "./processes.ts";

/**
 * How this machine reaches the registries of npm and Python, as volumes for the containers that build an image there. The
 * image itself gets nothing of it.
 */
export async function registrySettings(directory: string): Promise<string[]> {
  const folder = join(directory, "registries");
  mkdirSync(folder);
  const volumes = [`${folder}:/run/registries:ro`];
  const certificates = (await npmSetting("cafile")) ?? process.env["PIP_CERT"];
  const hasOwn = certificates !== undefined && existsSync(certificates);
  if (hasOwn) copyFileSync(certificates, join(folder, "authorities.pem"));
  const own = (setting: string) => (hasOwn ? `${setting}=/run/registries/authorities.pem\n` : "");
  writeFileSync(join(folder, "npmrc"), `registry=${await npmSetting("registry")}\n${own("cafile")}`);
  writeFileSync(join(folder, "pip.conf"), `[global]\n${own("cert")}timeout=180\n`);
  volumes.push(`${folder}/npmrc:/usr/local/etc/npmrc:ro`, `${folder}/pip.conf:/etc/pip.conf:ro`);
  return volumes.map((volume) => `--volume=${volume}`);
}

async function npmSetting(name: string): Promise<string | undefined> {
  const { stdout } = await runProcess({ name: "npm", command: "npm", args: ["config", "get", name] });
  const value = stdout.trim();
  return value === "" || value === "null" || value === "undefined" ? undefined : value;
}
