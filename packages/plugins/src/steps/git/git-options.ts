import type { ConfigWarning } from "@multimaster/config";
import { duration } from "@multimaster/core";
import { z } from "zod";
import { isRefName } from "../../git/ref-names.ts";
import { credentialsWarning, holdsCredentials } from "../../git/repository-url.ts";
import { retryOption } from "../source/worker-program.ts";
import { describeShape } from "./describe-commit.ts";

const refRule = 'must be a valid name for git: no space, no "-" at its beginning, no ":", "..", "~"';
const publicKey = z
  .string()
  .regex(/^(ssh|ecdsa|sk)-\S+ [A-Za-z0-9+/=]+(?: .*)?$/, "must be one line of a public SSH key");

const gpgKey = z
  .string()
  .max(1024 * 1024)
  .regex(/^\s*-----BEGIN PGP PUBLIC KEY BLOCK-----/, "must be the text of a public GPG key, armored");

/** The options of the step `git`. */
export const gitOptions = z.object({
  repourl: z
    .string()
    .min(1)
    .refine((url) => !url.startsWith("-"), 'must not begin with "-"')
    .refine((url) => !/^ext::/i.test(url), 'must not be a command ("ext::…")')
    .describe(
      "URL of the repository. A user name and password in it are masked, and passed to git in its environment.",
    ),
  branch: z
    .string()
    .refine(isRefName, refRule)
    .default("HEAD")
    .describe("Branch to build if the source stamp names none; HEAD is the repository's own default."),
  codebase: z.string().default("").describe("Codebase of the source stamp that it checks out."),
  workdir: z.string().default("build").describe("Relative to the builder's directory on the worker."),
  mode: z
    .enum(["incremental", "full"])
    .default("incremental")
    .describe("full: removes everything that the previous build left."),
  method: z
    .enum(["clean", "fresh", "clobber", "copy"])
    .default("fresh")
    .describe(
      "Method of mode full: clean keeps ignored files, fresh removes them too, clobber clones again, copy updates a directory of its own (`source`) and copies it.",
    ),
  revisionMustBeOnBranch: z
    .boolean()
    .optional()
    .describe(
      "Refuses a revision that the branch does not contain. Absent: for branches, tags and HEAD, not for other refs such as those of pull requests.",
    ),
  mergeInto: z
    .string()
    .refine(isRefName, refRule)
    .optional()
    .describe(
      "Branch into which the revision is merged before it is built, such as the target of a pull request. A conflict fails the step.",
    ),
  submodules: z.boolean().default(false).describe("Checks out the repository's submodules, too."),
  remoteSubmodules: z
    .boolean()
    .default(false)
    .describe("Updates submodules to the newest commits of their branches, not to the recorded ones."),
  shallow: z
    .union([z.boolean(), z.int().positive()])
    .default(false)
    .transform((depth) => (depth === true ? 1 : depth === false ? null : depth))
    .describe("Fetches only that many commits; true is 1. A server that cannot do so sends all."),
  filter: z
    .string()
    .regex(
      /^(blob:none|blob:limit=\d+[kmg]?|tree:\d+)$/,
      'must be "blob:none", "blob:limit=" with a size, or "tree:" with a depth',
    )
    .optional()
    .describe("A partial clone: files' contents are fetched only when a checkout needs them. Needs git 2.24."),
  sparse: z
    .array(
      z
        .string()
        .min(1)
        .refine(
          // biome-ignore lint/suspicious/noControlCharactersInRegex: no name of a directory may hold one
          (path) => !/[\u0000-\u001f"\\*?[\]!#]/.test(path) && !path.split("/").includes("..") && !path.startsWith("-"),
          "must be a directory of the repository",
        ),
    )
    .min(1)
    .optional()
    .describe("Checks out only these directories, and the files above them. Needs git 2.25."),
  lfs: z.boolean().default(false).describe("Fetches the files that Git LFS stores. Needs git-lfs on the worker."),
  tags: z.boolean().default(false).describe("Fetches tags as well."),
  mirror: z
    .boolean()
    .default(false)
    .describe(
      "Fetches through a bare copy below the worker's base directory, which all builds of the worker share. Needs flock on the worker.",
    ),
  alwaysUseLatest: z
    .boolean()
    .default(false)
    .describe("Checks out the newest commit of the option `branch`, whatever the source stamp says."),
  getDescription: describeShape,
  gotRevision: z.boolean().default(true).describe("Sets the property `got_revision`; false leaves it to another step."),
  silent: z.boolean().default(false).describe("Keeps the output of git's commands out of the log."),
  credentials: z
    .strictObject({
      username: z.string().min(1).describe("Any text where the password is a token that needs none."),
      password: z.string().min(1).describe("Use `secret(…)`."),
    })
    .optional()
    .describe("User name and password (or token) for an http repository; git gets them in its environment."),
  sshPrivateKey: z
    .string()
    .regex(/^-----BEGIN [A-Z ]*PRIVATE KEY-----/, "must be the text of a private key")
    .optional()
    .describe(
      "Text of the private SSH key, as a `secret(…)`; on the worker it is a file while git speaks to the host.",
    ),
  sshKnownHosts: z
    .string()
    .min(1)
    .optional()
    .describe("Lines of a known_hosts file: hosts with other keys are refused. Absent: the worker's own file decides."),
  verify: z
    .strictObject({
      keys: z.array(publicKey).min(1).optional().describe("Public SSH keys of those who may sign."),
      allowedSigners: z
        .string()
        .min(1)
        .optional()
        .describe("Text of an allowed signers file of ssh-keygen, in place of `keys`."),
      gpgKeys: z.array(gpgKey).min(1).optional().describe("Public GPG keys, armored, of those who may sign."),
    })
    .refine(
      ({ keys, allowedSigners, gpgKeys }) =>
        (keys === undefined || allowedSigners === undefined) && (keys ?? allowedSigners ?? gpgKeys) !== undefined,
      "must have keys or allowedSigners, or gpgKeys, or one of the first two and gpgKeys",
    )
    .optional()
    .describe(
      "Builds only commits that one of these has signed. Needs git 2.34 and ssh-keygen on the worker, or gpg for gpgKeys.",
    ),
  retry: retryOption,
  timeout: duration.nullable().prefault("20m").describe("A git command is killed after this long without output."),
  env: z
    .record(z.string(), z.union([z.string(), z.null()]))
    .default({})
    .describe("Added to git's environment; null removes a variable."),
  config: z.record(z.string(), z.string()).default({}).describe('Passed to each git command as "-c name=value".'),
});

export type GitOptions = z.output<typeof gitOptions>;

type Written = Readonly<Record<string, unknown>>;

/** Why these options cannot work together, if they cannot. Values may be functions that are not rendered yet. */
export function findClash(options: Written): ConfigWarning | undefined {
  const isOn = (name: string) => options[name] !== undefined && options[name] !== false && options[name] !== null;
  const clash = (name: string, sentence: string) => ({ path: [name], sentence });
  if (isOn("mergeInto") && isOn("shallow"))
    return clash("mergeInto", "needs the history of both branches: leave out shallow");
  if (isOn("filter") && isOn("mirror")) return clash("filter", "is of no use with mirror, which has everything");
  if (isOn("remoteSubmodules") && !isOn("submodules")) return clash("remoteSubmodules", "needs submodules: true");
  if (options["method"] === "copy" && options["mode"] !== "full" && typeof options["mode"] !== "function")
    return clash("method", 'copy needs mode: "full"');
  return undefined;
}

/** Risks and contradictions of the options as written. */
export function warningsOfGit(options: Written): ConfigWarning[] {
  const { repourl, sshPrivateKey, credentials } = options;
  const clash = findClash(options);
  const password = (credentials as { password?: unknown } | undefined)?.password;
  const plain = "is in the config, which every reader of the config gets; use secret(…)";
  return [
    ...(typeof repourl === "string" && holdsCredentials(repourl)
      ? [{ path: ["repourl"], sentence: credentialsWarning }]
      : []),
    ...(typeof sshPrivateKey === "string" ? [{ path: ["sshPrivateKey"], sentence: plain }] : []),
    ...(typeof password === "string" ? [{ path: ["credentials", "password"], sentence: plain }] : []),
    ...(clash === undefined ? [] : [clash]),
  ];
}
