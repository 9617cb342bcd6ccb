import type { Credentials } from "./repository-url.ts";

/**
 * Settings for every git command. A working directory may contain what a stranger's build left, so no hook and no program
 * named in its files may run, no shell command may serve as a repository, and no process may outlive the command.
 */
export const guardedSettings: readonly string[] = [
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  // Files of the commit graph state which commit follows which, and git does not verify them.
  "core.commitGraph=false",
  // Only what speaks to a repository: no other helper program, such as "ext", which runs commands.
  "protocol.allow=never",
  ...["http", "https", "git", "ssh"].map((name) => `protocol.${name}.allow=always`),
  // Not for submodules: a repository must not name files of the worker.
  "protocol.file.allow=user",
  "gc.autoDetach=false",
  "maintenance.autoDetach=false",
].flatMap((setting) => ["-c", setting]);

/** Variables removed from the environment: each would make git use another repository, other objects, or other settings. */
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

/** Variables set for every git command. */
export const guardedEnvironment: Readonly<Record<string, string>> = {
  // No prompt may wait for an answer.
  GIT_TERMINAL_PROMPT: "0",
  // A replaced object would be another object under a trusted name.
  GIT_NO_REPLACE_OBJECTS: "1",
};

const usernameVariable = "MULTIMASTER_GIT_USERNAME";
const passwordVariable = "MULTIMASTER_GIT_PASSWORD";

/** The credential helper. It is a line of shell, so that no file is needed; it contains only names of variables. */
const helper = `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$${usernameVariable}" "$${passwordVariable}"; }; f`;

/** How a command that contacts the repository's host gets the credentials: by the environment, for that host alone. */
export interface CredentialAccess {
  readonly settings: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export function giveCredentials(address: string, credentials: Credentials | undefined): CredentialAccess {
  const host = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]+/i.exec(address)?.[0];
  if (credentials === undefined || host === undefined) return { settings: [], environment: {} };
  const key = `credential.${host}.helper`;
  return {
    // The empty value comes first: git then neither queries other helpers nor stores credentials in them.
    settings: ["-c", `${key}=`, "-c", `${key}=${helper}`],
    environment: { [usernameVariable]: credentials.username, [passwordVariable]: credentials.password },
  };
}
