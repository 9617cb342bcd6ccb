import { z } from "zod";
import { askServer, parseOrUndefined, type ServerOptions } from "../http/ask-server.ts";
import { explainFailure } from "../http/explain-failure.ts";
import { readAnswer } from "../http/read-answer.ts";
import { readLogFrames } from "./log-frames.ts";

/** The host has refused a request; its sentence is the message. */
export class DockerRefused extends Error {
  readonly status: number;

  constructor(status: number, sentence: string) {
    super(sentence);
    this.name = "DockerRefused";
    this.status = status;
  }
}

const created = z.object({ Id: z.string().min(1) });
const container = z.object({
  Id: z.string().min(1),
  State: z.string(),
  Labels: z
    .record(z.string(), z.string())
    .nullable()
    .transform((labels) => labels ?? {}),
});
const inspected = z.object({
  Id: z.string().min(1),
  Config: z.object({
    Labels: z
      .record(z.string(), z.string())
      .nullable()
      .transform((labels) => labels ?? {}),
  }),
});
const refusal = z.object({ message: z.string() });
/** One line of the progress of a pull. */
const progress = z.object({ status: z.string().optional(), id: z.string().optional(), error: z.string().optional() });

export type Container = z.output<typeof container>;

/** Who fetches images; the host forgets it afterwards. */
export interface RegistryLogin {
  readonly username: string;
  readonly password: string;
  readonly server?: string | undefined;
}

const longestLastWords = 4000;

/** One host that answers the API of Docker Engine: Docker, or Podman. */
export class DockerHost {
  #options: ServerOptions;

  constructor(options: ServerOptions) {
    this.#options = options;
  }

  /** Fetches the image if the rule says so. */
  async provideImage(
    image: string,
    pull: "never" | "missing" | "always",
    output: (text: string) => void,
    login?: RegistryLogin,
  ): Promise<void> {
    if (pull === "never") return;
    const known = pull === "missing" && (await this.#exists(`/images/${encodeURIComponent(image)}/json`));
    if (known) return;
    output(`fetching ${image}\n`);
    const path = `/images/create?fromImage=${encodeURIComponent(withTag(image))}`;
    const text = await this.#ask("POST", path, undefined, login && { "x-registry-auth": describeLogin(login) });
    for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
      const { status, id, error } = readAnswer(line, progress, this.#who);
      // The answer is 200 even if the fetch fails.
      if (error !== undefined) throw new Error(`fetching ${image} failed: ${error}`);
      // Progress of single layers is no one's concern.
      if (status !== undefined && id === undefined) output(`${status}\n`);
    }
  }

  async create(name: string, body: object): Promise<string> {
    const text = await this.#ask("POST", `/containers/create?name=${encodeURIComponent(name)}`, body);
    return readAnswer(text, created, this.#who).Id;
  }

  async start(id: string): Promise<void> {
    await this.#ask("POST", `/containers/${id}/start`);
  }

  /** Lets it end, kills it if it does not, and removes it; one that is gone is no error. */
  async remove(id: string, graceMs: number): Promise<void> {
    await this.#unlessGone(this.#ask("POST", `/containers/${id}/stop?t=${Math.ceil(graceMs / 1000)}`));
    await this.#unlessGone(this.#ask("DELETE", `/containers/${id}?force=true&v=true`));
  }

  async list(labels: readonly string[]): Promise<Container[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: labels }));
    const text = await this.#ask("GET", `/containers/json?all=true&filters=${filters}`);
    return readAnswer(text, z.array(container), this.#who);
  }

  async inspect(name: string): Promise<z.output<typeof inspected> | undefined> {
    const text = await this.#unlessGone(this.#ask("GET", `/containers/${encodeURIComponent(name)}/json`));
    return text === undefined ? undefined : readAnswer(text, inspected, this.#who);
  }

  /** The end of what a container has written. */
  async readLog(id: string): Promise<string> {
    const path = `/containers/${id}/logs?stdout=true&stderr=true&tail=20`;
    try {
      return readLogFrames(await this.#askForBytes("GET", path)).slice(-longestLastWords);
    } catch (error) {
      // It is gone, or its log driver cannot be read.
      if (error instanceof DockerRefused) return "";
      throw error;
    }
  }

  get #who(): string {
    return `the container host ${this.#options.url}`;
  }

  #exists(path: string): Promise<boolean> {
    return this.#unlessGone(this.#ask("GET", path)).then((text) => text !== undefined);
  }

  /** 404: there is none. 304: it has stopped already. 409: it is being removed. */
  async #unlessGone(asked: Promise<string>): Promise<string | undefined> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof DockerRefused && [304, 404, 409].includes(error.status)) return undefined;
      throw error;
    }
  }

  async #ask(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<string> {
    return (await this.#askForBytes(method, path, body, headers)).toString("utf8");
  }

  async #askForBytes(
    method: string,
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ): Promise<Buffer> {
    const request = { method, path: `/v1.41${path}`, body, headers };
    const { status, bytes } = await askServer(this.#options, request).catch((error: unknown) => {
      throw new Error(`${this.#who} does not answer: ${explainFailure(error, this.#options)}`, { cause: error });
    });
    if (status >= 200 && status < 300) return bytes;
    const said = refusal.safeParse(parseOrUndefined(bytes.toString("utf8")));
    throw new DockerRefused(status, said.success ? said.data.message : `${method} ${path} was answered with ${status}`);
  }
}

/** As the API takes it in a header. */
function describeLogin({ username, password, server }: RegistryLogin): string {
  return Buffer.from(JSON.stringify({ username, password, serveraddress: server })).toString("base64url");
}

/** Without a tag, all tags of an image would be fetched. */
function withTag(image: string): string {
  return /(:[^/]+|@[^/]+)$/.test(image) ? image : `${image}:latest`;
}
