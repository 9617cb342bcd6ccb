import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { composeHgAuth, hgEnvironment } from "../../hg/hg-names.ts";
import { ProgramFailed, runProgram } from "../../run-program.ts";
import { explainFailure } from "../../source/poller-options.ts";

export interface HgAccess {
  readonly repository: string;
  readonly credentials?: { username: string; password: string } | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly timeout: number;
}

const changesetShape = z.tuple([
  z.string(),
  z.string(),
  z.string(),
  z.string(),
  z.string(),
  z.string(),
  z.array(z.string()),
]);

/** One line of JSON for each changeset. */
const template =
  "[{node|json},{p1node|json},{p2node|json},{author|json},{date|hgdate|json},{desc|json},{files|json}]\\n";

const withoutFiles = template.replace("{files|json}", "[]");

export interface HgChangeset {
  readonly node: string;
  readonly parents: readonly string[];
  readonly author: string;
  /** Seconds since 1970. */
  readonly at: number;
  readonly message: string;
  readonly files: readonly string[];
}

/** The poller's own copy of the repository, without files. It can be made again at any time. */
export class LocalClone {
  readonly #directory: string;
  readonly #access: HgAccess;
  readonly #signal: AbortSignal;

  constructor(directory: string, access: HgAccess, signal: AbortSignal) {
    this.#directory = directory;
    this.#access = access;
    this.#signal = signal;
  }

  /** Brings everything new. A copy that cannot be used is made again. */
  async pull(): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const names = await readdir(this.#directory);
    if (!names.includes(".hg")) return this.#create();
    if (!(await this.#pullsNow())) {
      // If the repository itself answers, the copy may be at fault. In the copy, hg would read that first.
      await this.#remote(["identify", "--id", "--", this.#access.repository], tmpdir());
      // Not if only the network had failed for a moment.
      if (!(await this.#pullsNow())) await this.#create();
    }
  }

  async #pullsNow(): Promise<boolean> {
    try {
      await this.#remote(["pull", "--quiet", "--", this.#access.repository]);
      return true;
    } catch (error) {
      if (!(error instanceof ProgramFailed) || error.kind !== "failed") throw error;
      return false;
    }
  }

  async #create(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
    await mkdir(this.#directory, { recursive: true });
    await this.#run(["init", "--", "."]);
    await this.#remote(["pull", "--quiet", "--", this.#access.repository]);
  }

  async listBranches(): Promise<string[]> {
    const output = await this.#run(["branches", "--template", "{branch|json}\\n"]);
    return parseLines(output, z.string());
  }

  /** Hashes of the changesets that an expression means, in the repository's order; none if it names what is not there. */
  async list(expression: string): Promise<string[]> {
    const output = await this.#run(["log", "--rev", expression, "--template", "{node}\\n"]);
    return output.split("\n").filter((line) => /^[0-9a-f]{40}$/.test(line));
  }

  /** The changesets with these hashes, in their order. One that names more files than can be listed is without them. */
  async describe(nodes: readonly string[]): Promise<HgChangeset[]> {
    if (nodes.length === 0) return [];
    try {
      return await this.#describe(nodes, template);
    } catch (error) {
      if (!(error instanceof ProgramFailed) || error.kind !== "output") throw error;
      if (nodes.length === 1) return this.#describe(nodes, withoutFiles);
      const half = Math.ceil(nodes.length / 2);
      return [...(await this.describe(nodes.slice(0, half))), ...(await this.describe(nodes.slice(half)))];
    }
  }

  async #describe(nodes: readonly string[], as: string): Promise<HgChangeset[]> {
    const output = await this.#run(["log", ...nodes.flatMap((node) => ["--rev", node]), "--template", as]);
    return parseLines(output, changesetShape).map(([node, p1, p2, author, date, message, files]) => ({
      node,
      parents: [p1, p2].filter((parent) => !/^0+$/.test(parent)),
      author,
      at: Number(date.split(" ")[0]),
      message,
      files,
    }));
  }

  async #remote(args: readonly string[], cwd = this.#directory): Promise<string> {
    const { credentials, repository } = this.#access;
    if (credentials === undefined) return this.#run(args, {}, cwd);
    const directory = await mkdtemp(join(tmpdir(), "multimaster-hg-"));
    try {
      const file = join(directory, "hgrc");
      await writeFile(file, composeHgAuth(repository, credentials), { mode: 0o600 });
      const usual = [...["hgrc", "hgrc.d"].map((name) => `/etc/mercurial/${name}`), join(homedir(), ".hgrc")];
      return await this.#run(args, { HGRCPATH: [process.env["HGRCPATH"] ?? usual.join(":"), file].join(":") }, cwd);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #run(
    args: readonly string[],
    more: Readonly<Record<string, string>> = {},
    cwd = this.#directory,
  ): Promise<string> {
    try {
      const output = await runProgram("hg", ["--cwd", cwd, "--noninteractive", ...args], {
        env: { ...process.env, LC_ALL: "C.UTF-8", ...this.#access.env, ...hgEnvironment, ...more },
        timeoutMs: this.#access.timeout,
        signal: this.#signal,
      });
      return output.toString("utf8");
    } catch (error) {
      if (!(error instanceof ProgramFailed) || error.stderr === "") throw error;
      const reason = explainFailure(error.stderr, /^abort:/)?.replace(/^abort: /, "");
      throw new ProgramFailed(error.kind, `hg ${args[0]}: ${reason ?? error.message}`);
    }
  }
}

function parseLines<T>(output: string, shape: z.ZodType<T>): T[] {
  return output
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => shape.parse(JSON.parse(line)));
}
