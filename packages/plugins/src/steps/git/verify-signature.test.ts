import { execFileSync } from "node:child_process";
import { readdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createGitRepository, type TestGitRepository } from "../../../../../test/harness/git-repository.ts";
import { newBuilderDirectory as newDirectory, runGitStep as run } from "../../../../../test/harness/run-git-step.ts";
import {
  makeGpgHome,
  makeSshKey,
  type SigningKey,
  signingArguments,
} from "../../../../../test/harness/signing-keys.ts";
import { temporaryDirectory } from "../../../../../test/harness/temporary-directory.ts";

/** Adds a commit with a signature; returns it. */
function signCommit(repository: TestGitRepository, key: SigningKey): string {
  repository.git(...signingArguments(key), "commit", "--quiet", "--allow-empty", "-S", "-m", "Signed");
  repository.git("push", "--quiet", "origin", "main");
  return repository.revision();
}

describe("a git step with verify", () => {
  it("builds what an allowed SSH key has signed, and nothing else", async () => {
    const keys = [makeSshKey("good"), makeSshKey("bad")] as const;
    const [good, bad] = [keys[0].publicKey, keys[1].publicKey];
    const repository = createGitRepository();
    const unsigned = repository.revision();
    const signed = signCommit(repository, keys[0]);
    const directory = newDirectory();
    const options = { repourl: repository.url, verify: { keys: [good] } };
    expect((await run(directory, options)).got).toBe(signed);
    const signers = { allowedSigners: `ada@example.org ${good}\n` };
    expect((await run(directory, { ...options, verify: signers })).got).toBe(signed);
    for (const [verify, revision] of [
      [{ keys: [bad] }, signed],
      [{ allowedSigners: "# none\n" }, signed],
      [{ keys: [good] }, unsigned],
      [{ keys: [good] }, signCommit(repository, keys[1])],
    ] as const) {
      const { reason } = await run(directory, { ...options, verify }, { stamp: { branch: "main", revision } });
      expect(reason).toBe(`the commit ${revision} has no signature by an allowed key`);
    }
    expect(readdirSync(join(directory, "build/.git"))).not.toContain("multimaster.signers");
  });

  it("builds what an allowed GPG key has signed, and nothing else, whatever keys the worker's user has", async () => {
    const home = makeGpgHome();
    const keys = [home.makeKey("good"), home.makeKey("bad")];
    const [good = "", bad = ""] = keys.map(({ publicKey }) => publicKey);
    const repository = createGitRepository();
    const unsigned = repository.revision();
    const [signed = "", other = ""] = keys.map((key) => signCommit(repository, key));
    const directory = newDirectory();
    // The worker's user trusts all of them.
    const build = (revision: string, gpgKeys: string[], more: object = {}) =>
      run(
        directory,
        { repourl: repository.url, verify: { gpgKeys, ...more } },
        { stamp: { branch: "main", revision }, env: { GNUPGHOME: home.directory } },
      );
    expect((await build(signed, [good])).got).toBe(signed);
    expect((await build(other, [good, bad])).got).toBe(other);
    const sshKey = `ssh-ed25519 ${"A".repeat(68)}`;
    expect((await build(signed, [good], { keys: [sshKey] })).got).toBe(signed);
    for (const [revision, keys] of [
      [other, [good]],
      [signed, [bad]],
      [unsigned, [good, bad]],
    ] as const)
      expect((await build(revision, [...keys])).reason).toBe(
        `the commit ${revision} has no signature by an allowed key`,
      );
    const broken = good.replace(/\n\n[\s\S]*\n-----END/, "\n\nAAAA\n-----END");
    expect((await build(signed, [broken])).reason).toBe("gpg cannot read the keys of verify.gpgKeys");
    expect(readdirSync(join(directory, ".."))).toEqual(["builder"]);
    expect(readdirSync(join(directory, "build/.git"))).not.toContain("multimaster.keys");
  });

  it("says that gpg is missing on the worker", async () => {
    const programs = temporaryDirectory("programs");
    for (const name of ["git", "sh", "rm", "mkdir", "printf"])
      symlinkSync(execFileSync("which", [name], { encoding: "utf8" }).trim(), join(programs, name));
    const repository = createGitRepository();
    const gpgKeys = ["-----BEGIN PGP PUBLIC KEY BLOCK-----"];
    const { reason } = await run(
      newDirectory(),
      { repourl: repository.url, verify: { gpgKeys } },
      { env: { PATH: programs } },
    );
    expect(reason).toBe("verify.gpgKeys needs gpg on worker here");
  });
});
