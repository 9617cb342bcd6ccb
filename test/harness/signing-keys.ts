import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onCleanup } from "./cleanup.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A key pair, and the settings with which git signs by it. */
export interface SigningKey {
  readonly publicKey: string;
  readonly settings: Readonly<Record<string, string>>;
}

/** The same as arguments of git. */
export function signingArguments({ settings }: SigningKey): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

/** Makes an SSH key. */
export function makeSshKey(name: string): SigningKey {
  const file = join(temporaryDirectory("ssh-key"), name);
  execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  const publicKey = readFileSync(`${file}.pub`, "utf8").trim();
  return { publicKey, settings: { "gpg.format": "ssh", "user.signingKey": file } };
}

export interface GpgHome {
  readonly directory: string;
  makeKey(name: string): SigningKey;
}

/** A home of gpg, as a user has one; its agent ends with the test file. */
export function makeGpgHome(): GpgHome {
  const directory = temporaryDirectory("gpg");
  chmodSync(directory, 0o700);
  const env = { ...process.env, GNUPGHOME: directory };
  onCleanup(async () => void execFileSync("gpgconf", ["--kill", "all"], { env }));
  const program = join(directory, "program");
  writeFileSync(program, `#!/bin/sh\nexec env GNUPGHOME='${directory}' gpg "$@"\n`, { mode: 0o755 });
  const gpg = (...args: string[]) =>
    execFileSync("gpg", ["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "", ...args], {
      env,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    });
  return {
    directory,
    makeKey(name) {
      gpg("--quick-generate-key", `${name} <${name}@example.org>`, "ed25519", "sign", "never");
      const publicKey = gpg("--armor", "--export", `${name}@example.org`);
      return {
        publicKey,
        settings: { "gpg.format": "openpgp", "gpg.program": program, "user.signingKey": `${name}@example.org` },
      };
    },
  };
}
