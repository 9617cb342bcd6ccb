import { readFile } from "node:fs/promises";
import { append, type Clock, explainFileError } from "@multimaster/core";
import { z } from "zod";
import { askServer, parseOrUndefined } from "../http/ask-server.ts";
import { explainFailure } from "../http/explain-failure.ts";
import { readAnswer } from "../http/read-answer.ts";

/** How an API server is reached. */
export interface KubernetesServer {
  readonly url: string;
  readonly ca?: string | undefined;
  readonly token?: string | undefined;
  /** Read before each request: the tokens of pods are replaced while they run. */
  readonly tokenFile?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** The API server has refused a request; its sentence is the message. */
export class KubernetesRefused extends Error {
  readonly status: number;

  constructor(status: number, sentence: string) {
    super(sentence);
    this.name = "KubernetesRefused";
    this.status = status;
  }
}

const reasoned = z.object({ reason: z.string().optional(), message: z.string().optional() });
const pod = z.object({
  metadata: z.object({
    name: z.string().min(1),
    uid: z.string().min(1),
    labels: z.record(z.string(), z.string()).optional(),
    deletionTimestamp: z.string().optional(),
  }),
  status: reasoned
    .extend({
      phase: z.string().optional(),
      containerStatuses: z
        .array(
          z.object({ state: z.object({ waiting: reasoned.optional(), terminated: reasoned.optional() }).optional() }),
        )
        .optional(),
    })
    .optional(),
});
const pods = z.object({ items: z.array(pod), metadata: z.object({ continue: z.string().optional() }) });
const refusal = z.object({ kind: z.literal("Status"), message: z.string() });

export type Pod = z.output<typeof pod>;

export interface KubernetesOptions {
  readonly server: KubernetesServer;
  readonly namespace: string;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** As many pods as one answer has, and as many answers as a list has at most. */
const page = 500;
const mostPages = 100;
const goneMs = 1000;
/** How much longer than its grace period a pod may take to be gone, such as while its node does not answer. */
const lateMs = 60_000;

/** The pods of one namespace. */
export class KubernetesApi {
  #options: KubernetesOptions;

  constructor(options: KubernetesOptions) {
    this.#options = options;
  }

  /** Makes a pod; the server refuses a field that it does not know. */
  async create(manifest: object): Promise<Pod> {
    return readAnswer(await this.#ask("POST", "/pods?fieldValidation=Strict", manifest), pod, this.#who);
  }

  async list(labels: Readonly<Record<string, string>>): Promise<Pod[]> {
    const selector = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    const found: Pod[] = [];
    let next = "";
    for (let pages = 0; pages < mostPages; pages += 1) {
      const query = new URLSearchParams({ labelSelector: selector.join(","), limit: String(page) });
      if (next !== "") query.set("continue", next);
      const { items, metadata } = readAnswer(await this.#ask("GET", `/pods?${query}`), pods, this.#who);
      append(found, items);
      next = metadata.continue ?? "";
      if (next === "") return found;
    }
    throw new Error(`${this.#who} answered with a list of pods that has no end`);
  }

  async get(name: string): Promise<Pod | undefined> {
    const text = await this.#unlessGone(this.#ask("GET", `/pods/${name}`));
    return text === undefined ? undefined : readAnswer(text, pod, this.#who);
  }

  /** Deletes this very pod, not another one of its name, and waits until it is gone; one that is gone is no error. */
  async delete(name: string, uid: string, graceMs: number): Promise<void> {
    const { clock, signal } = this.#options;
    const gracePeriodSeconds = Math.ceil(graceMs / 1000);
    const preconditions = { uid };
    const body = { apiVersion: "v1", kind: "DeleteOptions", gracePeriodSeconds, preconditions };
    await this.#unlessGone(this.#ask("DELETE", `/pods/${name}`, body));
    const deadline = clock.now() + graceMs + lateMs;
    while ((await this.get(name))?.metadata.uid === uid) {
      if (clock.now() >= deadline) throw new Error(`the pod ${name} is deleted and still there`);
      await clock.sleep(goneMs, signal);
      signal.throwIfAborted();
    }
  }

  /** The end of what the pod's only container, or one of them, has written. */
  async readLog(name: string, container: string): Promise<string> {
    const query = new URLSearchParams({ container, tailLines: "20", limitBytes: "4000" });
    try {
      return await this.#ask("GET", `/pods/${name}/log?${query}`);
    } catch (error) {
      // A pod whose container never ran has none.
      if (error instanceof KubernetesRefused) return "";
      throw error;
    }
  }

  get #who(): string {
    return `the API server ${this.#options.server.url}`;
  }

  /** 404: there is none. 409: another one has its name. */
  async #unlessGone(asked: Promise<string>): Promise<string | undefined> {
    try {
      return await asked;
    } catch (error) {
      if (error instanceof KubernetesRefused && [404, 409].includes(error.status)) return undefined;
      throw error;
    }
  }

  async #ask(method: string, path: string, body?: object): Promise<string> {
    const { server, namespace, timeoutMs, signal } = this.#options;
    const token = server.tokenFile === undefined ? server.token : await readToken(server.tokenFile);
    const headers = {
      accept: "application/json, */*;q=0.5",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
    const full = `/api/v1/namespaces/${namespace}${path}`;
    const asked = askServer({ ...server, timeoutMs, signal }, { method, path: full, body, headers });
    const { status, bytes } = await asked.catch((error: unknown) => {
      const why = explainFailure(error, { url: server.url, timeoutMs });
      throw new Error(`${this.#who} does not answer: ${why}`, { cause: error });
    });
    const text = bytes.toString("utf8");
    if (status >= 200 && status < 300) return text;
    const said = refusal.safeParse(parseOrUndefined(text));
    throw new KubernetesRefused(
      status,
      said.success ? said.data.message : `${method} ${full.split("?")[0]} was answered with ${status}`,
    );
  }
}

async function readToken(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    throw new Error(`the token file ${file} cannot be read: ${explainFileError(error) ?? String(error)}`);
  });
  return text.trim();
}
