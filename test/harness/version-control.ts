import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { freePort, isListening } from "./ports.ts";
import { startProcess } from "./processes.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { waitFor } from "./wait-for.ts";

/** Path → content; null removes the file. */
export type Files = Readonly<Record<string, string | null>>;

export interface ServedRepository {
  readonly url: string;
  /** Writes, removes and commits files at a directory or branch; returns the revision. */
  commit(files: Files, where?: { branch?: string; message?: string }): string;
  stop(): Promise<void>;
}

function environment(home: string): NodeJS.ProcessEnv {
  return { ...process.env, HOME: home, HGPLAIN: "1", HGUSER: "Ada <ada@example.org>", LC_ALL: "C.UTF-8" };
}

function write(directory: string, files: Files): void {
  for (const [name, content] of Object.entries(files)) {
    const file = join(directory, name);
    if (content === null) rmSync(file, { recursive: true, force: true });
    else {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  }
}

async function serve(name: string, args: readonly string[], port: number, home: string): Promise<() => Promise<void>> {
  const server = await startProcess({ name, command: name, args, env: environment(home) });
  await waitFor(() => isListening(port), { what: `${name} to listen` });
  return () => server.stop();
}

/** A Subversion repository with trunk and branches, behind a real svnserve; with a password, it asks for that. */
export async function startSvn(password?: string): Promise<ServedRepository & { mucc(...args: string[]): string }> {
  const directory = temporaryDirectory("svn");
  const path = join(directory, "repository");
  const env = environment(directory);
  execFileSync("svnadmin", ["create", path], { env });
  writeFileSync(
    join(path, "conf/svnserve.conf"),
    `[general]\nanon-access = ${password === undefined ? "read" : "none"}\nauth-access = write\npassword-db = passwd\n`,
  );
  writeFileSync(join(path, "conf/passwd"), `[users]\nci = ${password}\n`);
  /** One commit without a working copy: far quicker. Returns its revision. */
  const mucc = (...args: string[]) => {
    const output = execFileSync("svnmucc", ["--root-url", `file://${path}`, "--username", "ada", ...args], {
      env,
      encoding: "utf8",
    });
    return /^r(\d+) committed/.exec(output)?.[1] ?? output;
  };
  const directories = new Set([".", "trunk", "branches", "tags"]);
  mucc("--message", "Layout", "mkdir", "trunk", "mkdir", "branches", "mkdir", "tags");
  const content = join(directory, "content");
  mkdirSync(content);
  const port = await freePort();
  const args = [
    "--daemon",
    "--foreground",
    "--root",
    path,
    "--listen-host",
    "127.0.0.1",
    "--listen-port",
    String(port),
  ];
  const stop = await serve("svnserve", args, port, directory);
  const makeDirectory = (name: string): string[] => {
    if (directories.has(name)) return [];
    directories.add(name);
    return [...makeDirectory(dirname(name)), "mkdir", name];
  };
  return {
    url: `svn://127.0.0.1:${port}`,
    mucc,
    commit(files, { branch = "trunk", message = "Change" } = {}) {
      const actions = Object.entries(files).flatMap(([name, text], i) => {
        const target = `${branch}/${name}`;
        if (text === null) return ["rm", target];
        const file = join(content, String(i));
        writeFileSync(file, text);
        return [...makeDirectory(dirname(target)), "put", file, target];
      });
      return mucc("--message", message, ...actions);
    },
    stop,
  };
}

/** A Mercurial repository behind a real `hg serve`; with a password, behind a door that asks for it. */
export async function startHg(
  password?: string,
): Promise<ServedRepository & { path: string; hg(...args: string[]): string }> {
  const directory = temporaryDirectory("hg");
  const path = join(directory, "repository");
  const env = environment(directory);
  mkdirSync(path);
  const hg = (...args: string[]) => execFileSync("hg", args, { cwd: path, env, encoding: "utf8" }).trim();
  const branches = new Set(["default"]);
  let current = "default";
  hg("init", ".");
  writeFileSync(join(path, ".hg/hgrc"), "[phases]\npublish = true\n");
  const port = await freePort();
  const end = await serve(
    "hg",
    ["--cwd", path, "serve", "--address", "127.0.0.1", "--port", String(port)],
    port,
    directory,
  );
  const door = password === undefined ? undefined : await startDoor(port, password);
  return {
    url: `http://127.0.0.1:${door?.port ?? port}`,
    path,
    hg,
    commit(files, { branch = "default", message = "Change" } = {}) {
      // Each start of hg takes as long as all that it does here.
      if (branch !== current) hg(...(branches.has(branch) ? ["update", "--clean"] : ["branch"]), "--quiet", branch);
      branches.add(branch);
      current = branch;
      write(path, files);
      const output = hg("commit", "--addremove", "--debug", "--message", message);
      return /^committed changeset \d+:([0-9a-f]{40})$/m.exec(output)?.[1] ?? output;
    },
    async stop() {
      await door?.stop();
      await end();
    },
  };
}

async function startDoor(port: number, password: string) {
  const expected = `Basic ${Buffer.from(`ci:${password}`).toString("base64")}`;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== expected)
      return void response.writeHead(401, { "WWW-Authenticate": 'Basic realm="hg"' }).end();
    const { url = "/", method, headers } = request;
    const onward = httpRequest({ host: "127.0.0.1", port, path: url, method, headers, agent: false }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
