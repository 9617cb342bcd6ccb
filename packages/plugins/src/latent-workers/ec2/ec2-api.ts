import { AwsClient } from "aws4fetch";
import { findAll, parseXml, textOf, type XmlElement } from "../../xml-elements.ts";
import type { AwsKeys } from "./credentials.ts";

/** A parameter of a request; lists and objects become names such as Filter.1.Name. */
export type Parameter = string | number | undefined | readonly Parameter[] | { readonly [name: string]: Parameter };

export interface Ec2Instance {
  readonly id: string;
  /** pending, running, stopping or stopped. */
  readonly state: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Why it is in this state, of one that ends. */
  readonly reason: string | undefined;
}

export interface Ec2ApiOptions {
  readonly endpoint: string;
  readonly region: string;
  readonly keys: AwsKeys;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** The API refused a request; the code is one of its own, such as InvalidInstanceID.NotFound. */
export class Ec2Refused extends Error {
  readonly code: string;
  constructor(code: string, sentence: string) {
    super(`${code}: ${sentence}`);
    this.code = code;
  }
}

const version = "2016-11-15";
/** A page of a list has some hundreds of instances. */
const longestAnswer = 16 * 1024 * 1024;
const mostPages = 100;

/** Requests to the API of Amazon EC2, or of a cloud that answers the same; signed, and repeated while the server is at fault. */
export class Ec2Api {
  #options: Ec2ApiOptions;
  #aws: AwsClient;

  constructor(options: Ec2ApiOptions) {
    this.#options = options;
    const { accessKeyId, secretAccessKey, sessionToken } = options.keys;
    this.#aws = new AwsClient({
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: "ec2",
      region: options.region,
      retries: 3,
      initRetryMs: 200,
    });
  }

  /** Starts one instance; returns its id. */
  async run(parameters: Readonly<Record<string, Parameter>>): Promise<string> {
    const answer = await this.#ask("RunInstances", { ...parameters, MinCount: 1, MaxCount: 1 });
    const id = textOf(findAll(answer, "instancesSet")[0]?.children[0], "instanceId");
    if (id === undefined) throw new Error("the API named no instance that it has started");
    return id;
  }

  async terminate(id: string): Promise<void> {
    await this.#ask("TerminateInstances", { InstanceId: [id] });
  }

  /** Instances with these tags that run, will run, or have been stopped. */
  async list(tags: Readonly<Record<string, string>>): Promise<Ec2Instance[]> {
    const Filter = [
      ...Object.entries(tags).map(([name, value]) => ({ Name: `tag:${name}`, Value: [value] })),
      { Name: "instance-state-name", Value: ["pending", "running", "stopping", "stopped"] },
    ];
    const found: Ec2Instance[] = [];
    let NextToken: string | undefined;
    for (let page = 0; page < mostPages; page += 1) {
      const answer = await this.#ask("DescribeInstances", { Filter, MaxResults: 500, NextToken });
      for (const set of findAll(answer, "instancesSet"))
        for (const item of set.children) found.push(readInstance(item));
      NextToken = textOf(answer, "nextToken") || undefined;
      if (NextToken === undefined) return found;
    }
    throw new Error("the list of instances has no end");
  }

  async #ask(action: string, parameters: Readonly<Record<string, Parameter>>): Promise<XmlElement> {
    const { endpoint, timeoutMs, signal } = this.#options;
    const late = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const answer = await this.#aws
      .fetch(endpoint, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
        body: new URLSearchParams([["Action", action], ["Version", version], ...flatten(parameters)]).toString(),
        redirect: "error",
        signal: late,
      })
      .catch((error: unknown) => {
        signal.throwIfAborted();
        throw new Error(`${new URL(endpoint).host} does not answer: ${describeFailure(error)}`);
      });
    const document = parseXml(await readText(answer));
    if (answer.ok && document) return document;
    const [refusal] = findAll(document, "Error");
    const code = textOf(refusal, "Code") ?? `status ${answer.status}`;
    throw new Ec2Refused(code, (textOf(refusal, "Message") ?? "the answer is none of EC2").slice(0, 500));
  }
}

function* flatten(value: Parameter, name = ""): Generator<[string, string]> {
  if (value === undefined) return;
  if (typeof value !== "object") return yield [name, String(value)];
  for (const [key, one] of Object.entries(value)) {
    const part = Array.isArray(value) ? String(Number(key) + 1) : key;
    yield* flatten(one, name === "" ? part : `${name}.${part}`);
  }
}

function readInstance(item: XmlElement): Ec2Instance {
  const part = (name: string) => item.children.find((child) => child.name === name);
  const tags = (part("tagSet")?.children ?? []).map(
    (tag) => [textOf(tag, "key") ?? "", textOf(tag, "value") ?? ""] as const,
  );
  return {
    id: textOf(item, "instanceId") ?? "",
    state: textOf(part("instanceState"), "name") ?? "",
    tags: Object.fromEntries(tags),
    reason: textOf(part("stateReason"), "message") || undefined,
  };
}

async function readText(answer: Response): Promise<string> {
  const blocks: Uint8Array[] = [];
  let size = 0;
  for await (const block of (answer.body ?? []) as AsyncIterable<Uint8Array>) {
    size += block.length;
    if (size > longestAnswer) throw new Error("its answer is too long");
    blocks.push(block);
  }
  return Buffer.concat(blocks).toString("utf8");
}

function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
