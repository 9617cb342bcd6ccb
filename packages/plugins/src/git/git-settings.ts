import type { Credentials } from "./repository-url.ts";

/**
 * Given to every git command. A working directory may be what a stranger's build left: no hook and no program that its
 * files name may run, no shell command may serve as a repository, and nothing may go on after the command has ended.
 */
export const guardedSettings: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  // Its files say which commit follows which, and nothing verifies them.
  "core.commitGraph=false",
  "protocol.ext.allow=never",
  "gc.autoDetach=false",
  "maintenance.autoDetach=false",
].flatMap((setting) => ["-c", setting]);

/** Removed from the environment: each would lead git to another repository, to other objects, or to other settings. */
export const foreignVariables: readonly string[] = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_NAMESPACE",
  "GIT_PREFIX",
  "GIT_CONFIG",
  "GIT_CONFIG_PARAMETERS",
  "GIT_CONFIG_COUNT",
  "GIT_GRAFT_FILE",
  "GIT_SHALLOW_FILE",
  "GIT_REPLACE_REF_BASE",
  "GIT_TEMPLATE_DIR",
];

/** Set for every git command. */
export const guardedEnvironment: Readonly<Record<string, string>> = {
  // No question may wait for an answer.
  GIT_TERMINAL_PROMPT: "0",
  // A replaced object is another object under a trusted name.
  GIT_NO_REPLACE_OBJECTS: "1",
};

const usernameVariable = "MULTIMASTER_GIT_USERNAME";
const passwordVariable = "MULTIMASTER_GIT_PASSWORD";

/** Git asks this for credentials. It is a line of shell, so that no file is needed; it holds names only. */
const helper = `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$${usernameVariable}" "$${passwordVariable}"; }; f`;

/** How a command that speaks to the repository's host gets the credentials: by the environment, for that host alone. */
export interface CredentialAccess {
  readonly settings: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export function giveCredentials(address: string, credentials: Credentials | undefined): CredentialAccess {
  const host = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.exec(address)?.[0];
  if (credentials === undefined || host === undefined) return { settings: [], environment: {} };
  const key = `credential.${host}.helper`;
  return {
    // The empty value first: no other helper is asked, or told to store it.
    settings: ["-c", `${key}=`, "-c", `${key}=${helper}`],
    environment: { [usernameVariable]: credentials.username, [passwordVariable]: credentials.password },
  };
}
