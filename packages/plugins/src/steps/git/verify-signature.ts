import { GitFailed } from "./git-failed.ts";
import type { GitOptions } from "./git-options.ts";
import { succeeded, type WorkerGit } from "./worker-git.ts";

/** In git's own directory: no file of the sources has this name. */
const place = [".git", "multimaster.signers"];

/** Fails unless each commit has an SSH signature by one of the allowed signers. */
export async function verifySignatures(
  git: WorkerGit,
  commits: readonly string[],
  verify: NonNullable<GitOptions["verify"]>,
): Promise<void> {
  const text =
    "keys" in verify ? verify.keys.map((key) => `* namespaces="git" ${key}\n`).join("") : `${verify.allowedSigners}\n`;
  await git.write(place, Buffer.from(text));
  const settings = [
    ...["-c", `gpg.ssh.allowedSignersFile=${git.path(...place)}`, "-c", "gpg.ssh.program=ssh-keygen"],
    // Signatures of other kinds would be checked with keys that the worker's user happens to have.
    ...["-c", "gpg.program=false", "-c", "gpg.openpgp.program=false", "-c", "gpg.x509.program=false"],
    ...["-c", "gpg.ssh.revocationFile=", "-c", "gpg.minTrustLevel=fully"],
  ];
  try {
    for (const commit of commits)
      if (!succeeded(await git.try([...settings, "verify-commit", commit])))
        throw new GitFailed(`the commit ${commit} has no signature by an allowed key`, "request");
  } finally {
    await git.remove([git.path(...place)]);
  }
}
