import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { endAfterTest } from "../../harness/engine.ts";
import { startGitHttpServer } from "../../harness/git-http-server.ts";
import { createGitRepository } from "../../harness/git-repository.ts";
import { makeGpgHome, makeSshKey, type SigningKey } from "../../harness/signing-keys.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { startHg, startSvn } from "../../harness/version-control.ts";

/** What the showcase's servers ask for: its config has it from the environment. */
const password = "secret-word";

/** The repositories that the showcase checks out, behind real servers. */
export async function startSources() {
  const [git, large, svn, hg] = [
    signedRepository(),
    await startLarge(),
    await startSvn(password),
    await startHg(password),
  ];
  endAfterTest(() => svn.stop());
  endAfterTest(() => hg.stop());
  svn.commit({ s: "1" });
  const node = hg.commit({ h: "1" });
  const properties = {
    git: git.url,
    "git-http": large.url,
    "git-ssh": `ssh://git@repositories.example${git.path}`,
    svn: svn.url,
    hg: hg.url,
    signers: `ada@example.org ${git.sshKey}\n`,
    "ssh-key": git.sshKey,
    "gpg-key": git.gpgKey,
    "known-hosts": "repositories.example ssh-ed25519 AAAA",
  };
  return { git, large, node, properties };
}

/** Branches main, topic and tools (signed by an SSH key) and signed (by a GPG key). */
function signedRepository() {
  const [ssh, gpg] = [makeSshKey("ada"), makeGpgHome().makeKey("ada")];
  const repository = createGitRepository({ files: { f: "1" } });
  const signBy = ({ settings }: SigningKey) => {
    for (const [name, value] of Object.entries({ ...settings, "commit.gpgSign": "true" }))
      repository.git("config", name, value);
  };
  repository.createTag("v1");
  repository.createTag("v2-rc1");
  repository.commit({ branch: "topic", files: { topic: "1" } });
  signBy(ssh);
  repository.commit({ branch: "tools", files: { "bin/tool": "1", "doc/text": "1" } });
  signBy(gpg);
  repository.commit({ branch: "signed", files: { signed: "1" } });
  repository.git("config", "commit.gpgSign", "false");
  repository.commit({ files: { f: "2" } });
  execFileSync("git", ["config", "uploadpack.allowFilter", "true"], { cwd: repository.path });
  return { ...repository, sshKey: ssh.publicKey, gpgKey: gpg.publicKey };
}

/** A repository with a large file and a submodule, behind HTTP and a password. */
async function startLarge() {
  const content = Buffer.from("large\n".repeat(1000));
  const oid = createHash("sha256").update(content).digest("hex");
  const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
  const repository = createGitRepository({ files: { ".gitattributes": "*.bin filter=lfs -text\n", "a.bin": pointer } });
  const part = createGitRepository({ files: { version: "1" } });
  const directory = dirname(repository.path);
  const served = join(directory, "part.git");
  execFileSync("git", ["clone", "--quiet", "--bare", part.path, served]);
  repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", "../part.git", "part");
  repository.commit();
  part.commit({ files: { version: "2" } });
  part.git("push", "--quiet", served, "main");
  const server = await startGitHttpServer(directory, { name: "ci", password }, { large: new Map([[oid, content]]) });
  endAfterTest(() => server.stop());
  return { url: `http://${server.host}/repository.git`, revision: repository.revision(), content: content.toString() };
}

/**
 * A program `ssh` that writes down what it gets and runs the command here: there is no SSH server among the components. Returns the
 * directory of the program, and what it has seen.
 */
export function fakeSsh() {
  const directory = temporaryDirectory("ssh");
  const seen = join(directory, "seen");
  const script = `#!/bin/sh
{
  printf '%s\\n' "$*"
  for word; do
    test "$before" != -i || cat "$word"
    before=$word
  done
} >> ${seen}
for last; do :; done
exec sh -c "$last"
`;
  writeFileSync(join(directory, "ssh"), script, { mode: 0o755 });
  return { directory, seen: () => (existsSync(seen) ? readFileSync(seen, "utf8") : "") };
}
