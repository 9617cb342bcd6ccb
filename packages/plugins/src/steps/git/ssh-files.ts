import { createHash } from "node:crypto";
import type { StepContext } from "../../step-context.ts";

/** Texts that ssh needs as files. */
export interface SshSecrets {
  readonly privateKey: string | undefined;
  readonly knownHosts: string | undefined;
}

export interface SshAccess {
  /** Settings and the first arguments of a git command that has the files while it runs. */
  readonly settings: readonly string[];
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** Where the files are meanwhile: a command that was killed may leave it. */
  readonly directory: string;
}

const keyVariable = "MULTIMASTER_SSH_KEY";
const hostsVariable = "MULTIMASTER_SSH_HOSTS";

/**
 * Git includes a shell on every system. The texts come by the environment, so no command line shows them, and the files exist
 * only while this one command runs: the trap removes them also when it is killed by the worker.
 */
const script = [
  '!f() { d=$1; shift; umask 077; rm -rf "$d"; mkdir "$d" || exit 1;',
  `trap 'rm -rf "$d"' EXIT; trap 'exit 143' HUP INT TERM;`,
  "s='ssh -o BatchMode=yes -o StrictHostKeyChecking=yes';",
  `if test -n "$${keyVariable}"; then printf '%s\\n' "$${keyVariable}" > "$d/key";`,
  `s="$s -o IdentitiesOnly=yes -i '$d/key'"; fi;`,
  `if test -n "$${hostsVariable}"; then printf '%s\\n' "$${hostsVariable}" > "$d/hosts";`,
  `s="$s -o GlobalKnownHostsFile=none -o 'UserKnownHostsFile=\\"$d/hosts\\"'"; fi;`,
  `unset ${keyVariable} ${hostsVariable};`,
  'GIT_SSH_COMMAND=$s GIT_SSH_VARIANT=ssh git "$@"; }; f',
].join(" ");

/** How git commands get the key and the known hosts; undefined if there are none. */
export function openSsh(ctx: StepContext, workdir: string, secrets: SshSecrets): SshAccess | undefined {
  const { privateKey, knownHosts } = secrets;
  if (privateKey === undefined && knownHosts === undefined) return undefined;
  const name = createHash("sha256").update(`${ctx.builddir}\n${workdir}`).digest("hex").slice(0, 16);
  // Beside the builder's directory: nothing that a build or `git clean` does reaches it by accident.
  const directory = ctx.path("..", `.ssh-${name}`);
  return {
    settings: ["-c", `alias.with-keys=${script}`],
    words: ["with-keys", directory],
    environment: {
      [keyVariable]: toLines(privateKey),
      [hostsVariable]: toLines(knownHosts),
    },
    directory,
  };
}

/** A worker in the C locale takes only ASCII; other characters can be only in comments. */
function toLines(text: string | undefined): string {
  return (text ?? "")
    .replace(/\r\n?/g, "\n")
    .replace(/[^\n\t\x20-\x7e]/g, "?")
    .trim();
}
