import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { startGitHttpServer } from "../../../../../test/harness/git-http-server.ts";
import { createGitRepository, type TestGitRepository } from "../../../../../test/harness/git-repository.ts";
import {
  newBuilderDirectory as newDirectory,
  readInBuild as read,
  runGitStep as run,
} from "../../../../../test/harness/run-git-step.ts";
import { temporaryDirectory } from "../../../../../test/harness/temporary-directory.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const user = { name: "ci", password: "secret-word" };
const credentials = { username: user.name, password: user.password };

async function serve(repository: TestGitRepository, large: ReadonlyMap<string, Buffer> = new Map()) {
  const server = await startGitHttpServer(dirname(repository.path), user, { large });
  ends.push(server.stop);
  return { ...server, repourl: `http://${server.host}/repository.git` };
}

/** A host that is none of the repository's: it writes down what it is asked. */
async function startStranger() {
  const asked: { url: string; authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? "", authorization: request.headers.authorization });
    response.writeHead(401, { "WWW-Authenticate": 'Basic realm="git"' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => new Promise((resolve) => server.close(resolve)));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const addSubmodule = (repository: TestGitRepository, url: string) => {
  const tree = createGitRepository();
  repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", tree.url, "part");
  return repository.commit({ files: { ".gitmodules": `[submodule "part"]\n\tpath = part\n\turl = ${url}\n` } });
};

describe("what a repository itself names", () => {
  it.each([
    ["a file of the worker", () => createGitRepository({ files: { secret: "of the worker" } }).url],
    ["a directory of the worker", () => createGitRepository({ files: { secret: "of the worker" } }).path],
    ["a program", () => "ext::sh -c 'touch EVIL'"],
    ["an option", () => "-u./EVIL"],
    ["an option of ssh", () => "ssh://-oProxyCommand=touch%20EVIL/a"],
  ])("is never read or run as %s by a submodule", async (_, address) => {
    const repository = createGitRepository();
    addSubmodule(repository, address());
    const { repourl } = await serve(repository);
    const directory = newDirectory();
    const { results, reason } = await run(directory, { repourl, credentials, submodules: true });
    expect([results, reason]).toEqual([2, expect.stringMatching(/^git submodule failed/)]);
    expect(existsSync(join(directory, "build/part/secret"))).toBe(false);
    expect(readdirSync(directory, { recursive: true }).filter((name) => String(name).includes("EVIL"))).toEqual([]);
  });

  it("gets no credentials: neither another host's submodule nor its store of large files", async () => {
    const stranger = await startStranger();
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\nsize 5\n`;
    const repository = createGitRepository({
      files: { ".gitattributes": "*.bin filter=lfs -text\n", ".lfsconfig": `[lfs]\n\turl = ${stranger.url}/lfs\n` },
    });
    const clean = repository.revision();
    repository.commit({ files: { "a.bin": pointer } });
    const { repourl } = await serve(repository);
    const lfs = await run(newDirectory(), { repourl, credentials, lfs: true });
    expect(lfs.results).toBe(2);
    repository.forcePush("main", clean);
    addSubmodule(repository, `${stranger.url}/part.git`);
    const submodule = await run(newDirectory(), { repourl, credentials, submodules: true });
    expect(submodule.results).toBe(2);
    expect(stranger.asked.map(({ url }) => url.split("/")[1])).toEqual(expect.arrayContaining(["lfs", "part.git"]));
    expect(stranger.asked.filter(({ authorization }) => authorization !== undefined)).toEqual([]);
    expect(lfs.log + submodule.log).not.toContain(user.password);
  });

  it("writes nothing outside of the directory, where a link became a directory or a build left one", async () => {
    const outside = temporaryDirectory("outside");
    const repository = createGitRepository();
    symlinkSync(outside, join(dirname(repository.path), "clone", "out"));
    const linked = repository.commit();
    repository.git("rm", "--quiet", "out");
    repository.commit({ files: { "out/file": "inside", "dir/file": "inside" } });
    const directory = newDirectory();
    const options = { repourl: repository.url, mode: "full" } as const;
    expect((await run(directory, options, { stamp: { branch: "main", revision: linked } })).results).toBe(0);
    execFileSync("ln", ["-s", outside, join(directory, "build/dir")]);
    writeFileSync(join(outside, "kept"), "1");
    expect((await run(directory, options)).results).toBe(0);
    expect([read(directory, "out/file"), read(directory, "dir/file")]).toEqual(["inside", "inside"]);
    expect(readdirSync(outside)).toEqual(["kept"]);
  });

  it("is a file of any name, which a build may also leave", async () => {
    const names = ["-rf", "--help", "a b", "a'b\"c", "$(touch EVIL)", "new\nline", "ü", "%s", "*"];
    const repository = createGitRepository({ files: Object.fromEntries(names.map((name) => [name, "1"])) });
    const directory = newDirectory();
    const options = { repourl: repository.url, mode: "full" } as const;
    expect((await run(directory, options)).results).toBe(0);
    mkdirSync(join(directory, "build/left"));
    for (const name of names) writeFileSync(join(directory, "build/left", name), "1");
    expect((await run(directory, options)).results).toBe(0);
    expect(readdirSync(join(directory, "build")).toSorted()).toEqual([".git", ...names].toSorted());
  });
});

describe("a large file that the server lacks", () => {
  it("fails the step, until the server has it", async () => {
    const content = Buffer.from("large");
    const oid = createHash("sha256").update(content).digest("hex");
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${oid}\nsize ${content.length}\n`;
    const repository = createGitRepository({
      files: { ".gitattributes": "*.bin filter=lfs -text\n", "a.bin": pointer },
    });
    const large = new Map<string, Buffer>();
    const { repourl } = await serve(repository, large);
    const directory = newDirectory();
    const options = { repourl, credentials, lfs: true };
    const { results, reason, log } = await run(directory, options);
    expect([results, reason]).toEqual([2, expect.stringMatching(/^git checkout failed/)]);
    expect(log).toContain("a.bin");
    large.set(oid, content);
    expect((await run(directory, options)).results).toBe(0);
    expect(readFileSync(join(directory, "build/a.bin"), "utf8")).toBe("large");
  });
});
