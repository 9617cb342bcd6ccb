import { createHash } from "node:crypto";
import { inPrivateDirectory } from "../../source/private-directory.ts";
import { GitFailed } from "./git-failed.ts";
import type { GitOptions } from "./git-options.ts";
import { succeeded, type WorkerGit } from "./worker-git.ts";

type Verify = NonNullable<GitOptions["verify"]>;

/** In git's own directory: no file of the sources has these names. */
const signers = [".git", "multimaster.signers"];
const keyring = [".git", "multimaster.keys"];

/** The return codes of the script below on a worker without gpg, and with keys that gpg does not read. */
const [noProgram, badKeys] = [91, 92];

/**
 * Runs git with a home of gpg that has these keys alone: those of the worker's user do not count, and no program of gpg stays.
 * Git includes a shell on every system.
 */
const script = [
  `!f() { ${inPrivateDirectory} k=$1; shift;`,
  `command -v gpg >/dev/null || exit ${noProgram};`,
  String.raw`printf 'no-autostart\nno-auto-key-retrieve\nno-auto-key-locate\ntrust-model always\n' > "$d/gpg.conf";`,
  'export GNUPGHOME="$d";',
  `gpg --batch --quiet --no-tty --import "$k" || exit ${badKeys};`,
  'git "$@"; }; f',
].join(" ");

/** Signatures of other kinds would be checked with keys that the worker's user happens to have. */
const noOtherKind = ["gpg.x509.program=false", "gpg.ssh.revocationFile="].flatMap((setting) => ["-c", setting]);

/** Fails unless each commit has a signature by one of the keys. */
export async function verifySignatures(git: WorkerGit, commits: readonly string[], verify: Verify): Promise<void> {
  for (const commit of commits) {
    if (await hasSshSignature(git, commit, verify)) continue;
    if (await hasGpgSignature(git, commit, verify)) continue;
    throw new GitFailed(`the commit ${commit} has no signature by an allowed key`, "request");
  }
}

async function hasSshSignature(git: WorkerGit, commit: string, { keys, allowedSigners }: Verify): Promise<boolean> {
  if (keys === undefined && allowedSigners === undefined) return false;
  const text = keys?.map((key) => `* namespaces="git" ${key}`).join("\n") ?? allowedSigners;
  await git.write(signers, Buffer.from(`${text}\n`));
  const settings = [
    ...["-c", `gpg.ssh.allowedSignersFile=${git.path(...signers)}`, "-c", "gpg.ssh.program=ssh-keygen"],
    ...["-c", "gpg.program=false", "-c", "gpg.openpgp.program=false", "-c", "gpg.minTrustLevel=fully"],
  ];
  try {
    return succeeded(await git.try([...settings, ...noOtherKind, "verify-commit", commit]));
  } finally {
    await git.remove([git.path(...signers)], { cleanUp: true });
  }
}

async function hasGpgSignature(git: WorkerGit, commit: string, { gpgKeys }: Verify): Promise<boolean> {
  if (gpgKeys === undefined) return false;
  await git.write(keyring, Buffer.from(`${gpgKeys.map((key) => key.trim()).join("\n")}\n`));
  const settings = [
    ...["-c", "gpg.program=gpg", "-c", "gpg.openpgp.program=gpg", "-c", "gpg.ssh.program=false"],
    // Every key of the home is one of the option.
    ...["-c", "gpg.minTrustLevel=undefined", "-c", `alias.with-gpg-keys=${script}`],
  ];
  const name = createHash("sha256").update(git.directory).digest("hex").slice(0, 16);
  const home = git.ctx.path("..", `.gpg-${name}`);
  const words = [home, git.path(...keyring), "verify-commit", commit];
  try {
    const end = await git.try([...settings, ...noOtherKind, "with-gpg-keys", ...words]);
    if (end.rc === noProgram)
      throw new GitFailed(`verify.gpgKeys needs gpg on worker ${git.ctx.worker.name}`, "request");
    if (end.rc === badKeys) throw new GitFailed("gpg cannot read the keys of verify.gpgKeys", "request");
    return succeeded(end);
  } finally {
    await git.remove([git.path(...keyring), home], { cleanUp: true });
  }
}
