/** Longest text of one line. */
const longest = 200;

/** What git, Subversion and Mercurial begin the line with that says why they have failed. */
const saying = /^(?:fatal: |abort: |svn: (?:warning: )?(?:[EW]\d+: )?)(.+)/;
/** These say only that another program has failed, which has said why before. */
const isEcho = /^(?:Could not read from remote repository|The remote end hung up|no suitable response from remote)/i;

/** Finds why a program of version control has failed, in the lines that it prints. */
export class FailureLine {
  #before = "";
  #error: string | undefined;
  #first: string | undefined;
  #last: string | undefined;

  take(line: string): void {
    const text = line.slice(0, longest * 2).trim();
    if (text === "") return;
    const said = saying.exec(text)?.[1]?.slice(0, longest);
    if (said === undefined) {
      this.#error ??= /^error: (.+)/.exec(text)?.[1]?.slice(0, longest);
      // "unable to connect to git.example.org:", and the next line says why.
      if (this.#first?.endsWith(":")) this.#first = `${this.#first} ${text.slice(0, longest)}`;
      this.#before = text;
    } else if (this.#first === undefined)
      this.#first = isEcho.test(said) && this.#before !== "" ? this.#before.slice(0, longest) : said;
    else if (text.startsWith("svn: ")) this.#last = said;
  }

  /** Subversion says first what has failed, and last why. */
  get text(): string | undefined {
    if (this.#first === undefined) return this.#error;
    return this.#last === undefined ? this.#first : `${this.#first}: ${this.#last}`;
  }
}
