/** A commit, with what its change reports. */
export interface Commit {
  revision: string;
  author: string;
  committer: string;
  /** Seconds since 1970. */
  committedAt: number;
  message: string;
  files: string[];
}

/** Maximum number of files listed for one commit; one further line has the number of the others. */
export const maxFiles = 10_000;
/** Maximum length of stored texts, in bytes. */
const maxName = 4096;
const maxMessage = 1 << 20;

/** Fields end with NUL, which none can contain. A commit's files follow its fields. */
export const logFormat = ["%H", "%aN <%aE>", "%cN <%cE>", "%ct", "%B"].map((field) => `${field}%x00`).join("");

const fieldCount = 5;

/**
 * Parses the output of `git log -z --raw` in this format as a stream. Only the order of texts decides where a commit begins,
 * never their content: each file's path follows its modes, and a commit has five fields.
 */
export class LogReader {
  readonly commits: Commit[] = [];
  #fields: string[] = [];
  #more = 0;
  #expectsPath = false;
  #parts: Buffer[] = [];
  #size = 0;

  write(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(0, from); end !== -1; end = chunk.indexOf(0, from)) {
      this.#keep(chunk.subarray(from, end));
      this.#takeText(Buffer.concat(this.#parts).toString("utf8"));
      this.#parts = [];
      this.#size = 0;
      from = end + 1;
    }
    this.#keep(chunk.subarray(from));
  }

  /** Returns all commits after the output has ended. */
  end(): Commit[] {
    this.#endFiles();
    if (this.#fields.length > 0 || this.#expectsPath) throw new Error("the output of git log ended within a commit");
    return this.commits;
  }

  /** Keeps only the beginning of a long text. */
  #keep(bytes: Buffer): void {
    const limit = this.#fields.length === fieldCount - 1 ? maxMessage : maxName;
    const kept = bytes.subarray(0, Math.max(0, limit - this.#size));
    if (kept.length === 0) return;
    this.#size += kept.length;
    this.#parts.push(Buffer.from(kept));
  }

  #takeText(text: string): void {
    if (this.#expectsPath) return this.#takePath(text);
    if (this.#fields.length > 0) return this.#takeField(text);
    // A list of files begins with a line break, and texts may be separated by empty ones.
    const plain = text.replace(/^\n/, "");
    if (plain === "") return;
    if (plain.startsWith(":")) this.#expectsPath = true;
    else {
      this.#endFiles();
      if (!/^[0-9a-f]{40,64}$/.test(plain)) throw new Error("the output of git log has no commit where one must begin");
      this.#fields.push(plain);
    }
  }

  #takeField(text: string): void {
    this.#fields.push(text);
    if (this.#fields.length < fieldCount) return;
    const [revision, author, committer, committedAt, message] = this.#fields as [
      string,
      string,
      string,
      string,
      string,
    ];
    this.#fields = [];
    this.commits.push({
      revision,
      author: author.trim(),
      committer: committer.trim(),
      committedAt: Number(committedAt),
      message: message.trim(),
      files: [],
    });
  }

  #takePath(path: string): void {
    this.#expectsPath = false;
    const files = this.commits.at(-1)?.files;
    if (files === undefined || files.length >= maxFiles) this.#more += 1;
    else files.push(path);
  }

  #endFiles(): void {
    if (this.#more > 0) this.commits.at(-1)?.files.push(`… and ${this.#more} more files`);
    this.#more = 0;
  }
}
