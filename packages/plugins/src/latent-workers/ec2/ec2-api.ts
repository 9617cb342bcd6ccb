import { setTimeout as sleep } from "node:timers/promises";
import { withTimeLimit } from "@multimaster/core";
import { AwsClient } from "aws4fetch";
import { findAll, parseXml, textOf, type XmlElement } from "../../xml-elements.ts";
import { explainFailure } from "../http/explain-failure.ts";
import type { AwsKeys } from "./credentials.ts";
import { readText } from "./read-text.ts";

/** A parameter of a request; lists and objects become names such as Filter.1.Name. */
export type Parameter = string | number | undefined | readonly Parameter[] | { readonly [name: string]: Parameter };

export interface Ec2Instance {
  readonly id: string;
  /** pending, running, stopping, stopped, shutting-down or terminated. */
  readonly state: string;
  readonly tags: Readonly<Record<string, string>>;
  /** Why it is in this state, of one that ends or has ended. */
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
  constructor(action: string, code: string, sentence: string) {
    // What follows is for another program to decode, and fills a page.
    const [said = ""] = sentence.split(/\s*Encoded authorization failure message:/);
    const advice = advices.find(([codes]) => codes.test(code))?.[1];
    super(`EC2 refuses ${action} (${code}): ${said.slice(0, 500)}${advice === undefined ? "" : ` [${advice}]`}`);
    this.code = code;
  }
}

/** What would be right, where the API's own sentence does not say it. */
const advices: readonly (readonly [codes: RegExp, advice: string])[] = [
  [/^(AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch)$/, "check accessKeyId, secretAccessKey and region"],
  [/^(RequestExpired|ExpiredToken)/, "renew sessionToken, or set this machine's clock"],
  [/^UnauthorizedOperation$/, "docs/latent-workers.md lists the actions that the keys must allow"],
];

const version = "2016-11-15";
/** A page of a list has at most 200 instances. */
const longestAnswer = 16 * 1024 * 1024;
const mostPages = 100;
/** Some clouds say with 400 what others say with 503: there were too many requests. */
const throttled = /<Code>(Throttl\w*|RequestLimitExceeded|RequestThrottled\w*)<\/Code>/;
const mostRepeats = 4;
const firstWaitMs = 400;

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
      retries: 0,
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
      const answer = await this.#ask("DescribeInstances", { Filter, MaxResults: 200, NextToken });
      for (const set of findAll(answer, "instancesSet"))
        for (const item of set.children) {
          const instance = readInstance(item);
          if (instance.id !== "") found.push(instance);
        }
      NextToken = textOf(answer, "nextToken") || undefined;
      if (NextToken === undefined) return found;
    }
    throw new Error("the list of instances has no end");
  }

  /** One instance, however it is; undefined: the API does not know it, or no longer. */
  async read(id: string): Promise<Ec2Instance | undefined> {
    const answer = await this.#ask("DescribeInstances", { InstanceId: [id] }).catch((error: unknown) => {
      if (error instanceof Ec2Refused && error.code === "InvalidInstanceID.NotFound") return undefined;
      throw error;
    });
    return findAll(answer, "instancesSet")
      .flatMap(({ children }) => children.map(readInstance))
      .find((instance) => instance.id === id);
  }

  async #ask(action: string, parameters: Readonly<Record<string, Parameter>>): Promise<XmlElement> {
    const { endpoint, timeoutMs, signal } = this.#options;
    const body = new URLSearchParams([["Action", action], ["Version", version], ...flatten(parameters)]).toString();
    const { isOk, status, text } = await withTimeLimit(timeoutMs, signal, (limited) => this.#send(body, limited)).catch(
      (error: unknown) => {
        signal.throwIfAborted();
        const why = explainFailure(error, { url: endpoint, timeoutMs });
        throw new Error(`${new URL(endpoint).host} does not answer ${action}: ${why}`);
      },
    );
    const document = parseXml(text);
    // The page of another server is no empty list.
    if (isOk && document?.name === `${action}Response`) return document;
    const [refusal] = findAll(document, "Error");
    const code = textOf(refusal, "Code") ?? `status ${status}`;
    const sentence = textOf(refusal, "Message") ?? `${new URL(endpoint).host} answers something else than EC2's API`;
    throw new Ec2Refused(action, code, sentence);
  }

  /** Sends a request, again while the server is at fault or has too many. */
  async #send(body: string, signal: AbortSignal): Promise<{ isOk: boolean; status: number; text: string }> {
    for (let tries = 0; ; tries += 1) {
      const answer = await this.#aws.fetch(this.#options.endpoint, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8" },
        body,
        redirect: "error",
        signal,
      });
      const text = await readText(answer, longestAnswer);
      const { ok: isOk, status } = answer;
      const isRepeated = status >= 500 || status === 429 || (status === 400 && throttled.test(text));
      if (!isRepeated || tries === mostRepeats) return { isOk, status, text };
      await sleep((0.5 + Math.random() / 2) * firstWaitMs * 2 ** tries, undefined, { signal });
    }
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
