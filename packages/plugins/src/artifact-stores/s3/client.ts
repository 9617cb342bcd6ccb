import { createHash } from "node:crypto";
import type { Clock } from "@multimaster/core";
import { AwsClient } from "aws4fetch";
import { ArtifactStoreFailed } from "../../define-artifact-store.ts";
import { describeRefusal, textsOf } from "./answers.ts";

export interface S3Server {
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly virtualHosted: boolean;
  readonly timeout: number;
}

interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Of the object; "": the bucket. */
  readonly name: string;
  readonly search?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  readonly signal?: AbortSignal | undefined;
  /** Statuses beside 200 to 299 that are an answer. */
  readonly accept?: readonly number[];
}

/** How often a request is sent that gets no answer, or one that says that the server is at fault. */
const attempts = 4;
/** Bytes of an answer in XML: a page of a list has a thousand names. */
const largestAnswer = 4 * 1024 * 1024;

/** Requests to one bucket: signed, with time limits, repeated while the server is at fault. */
export class S3Client {
  readonly description: string;
  #server: S3Server;
  #aws: AwsClient;
  #clock: Clock;

  constructor(server: S3Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
    this.description = `the bucket ${server.bucket} at ${new URL(server.endpoint).host}`;
    const { accessKeyId, secretAccessKey, region } = server;
    this.#aws = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3", retries: 0 });
  }

  /** Stores a small object in one request. */
  async put(name: string, body: Uint8Array, signal: AbortSignal): Promise<void> {
    await this.#text({ method: "PUT", name, body, signal });
  }

  async beginUpload(name: string, signal: AbortSignal): Promise<string> {
    const answer = await this.#text({ method: "POST", name, search: { uploads: "" }, signal });
    const [uploadId] = textsOf(answer, "UploadId");
    if (uploadId === undefined) throw this.#failed("it began no upload");
    return uploadId;
  }

  /** Stores one part; returns what `completeUpload` names it by. */
  async putPart(
    name: string,
    uploadId: string,
    number: number,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<string> {
    const search = { partNumber: String(number), uploadId };
    const answer = await this.#request({ method: "PUT", name, search, body, signal });
    await answer.body?.cancel();
    const tag = answer.headers.get("etag");
    if (tag === null) throw this.#failed("it did not confirm a part");
    return tag;
  }

  /** Makes the parts an object of this size. */
  async completeUpload(
    name: string,
    uploadId: string,
    { tags, size }: { readonly tags: readonly string[]; readonly size: number },
    signal: AbortSignal,
  ): Promise<void> {
    const parts = tags.map(
      (tag, i) => `<Part><PartNumber>${i + 1}</PartNumber><ETag>${tag.replaceAll('"', "&quot;")}</ETag></Part>`,
    );
    const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
    try {
      await this.#text({ method: "POST", name, search: { uploadId }, body, signal });
    } catch (error) {
      // An attempt whose answer was lost may have completed it: then the upload is gone, and the object is there.
      if (!(error instanceof ArtifactStoreFailed && error.message.includes(" NoSuchUpload"))) throw error;
      if ((await this.#sizeOf(name, signal)) !== size) throw error;
    }
  }

  /** Undefined if there is no such object. */
  async #sizeOf(name: string, signal: AbortSignal): Promise<number | undefined> {
    const answer = await this.#request({ method: "HEAD", name, signal, accept: [404] });
    return answer.ok ? Number(answer.headers.get("content-length")) : undefined;
  }

  async abortUpload(name: string, uploadId: string): Promise<void> {
    await this.#text({ method: "DELETE", name, search: { uploadId }, accept: [404] });
  }

  /** Uploads of this object that were begun and neither completed nor aborted. */
  async unfinishedUploads(name: string): Promise<string[]> {
    const answer = await this.#text({ method: "GET", name: "", search: { uploads: "", prefix: name }, accept: [404] });
    return textsOf(answer, "UploadId");
  }

  async remove(name: string): Promise<void> {
    await this.#text({ method: "DELETE", name, accept: [404] });
  }

  listPage(prefix: string, token: string | undefined, signal: AbortSignal): Promise<string> {
    const search = { "list-type": "2", prefix, ...(token === undefined ? {} : { "continuation-token": token }) };
    return this.#text({ method: "GET", name: "", search, signal });
  }

  async read(
    name: string,
    signal: AbortSignal,
    range?: { readonly first: number; readonly last: number },
  ): Promise<AsyncIterable<Uint8Array>> {
    const headers: Record<string, string> = range ? { Range: `bytes=${range.first}-${range.last}` } : {};
    const answer = await this.#request({ method: "GET", name, headers, signal });
    if (answer.body === null) throw this.#failed("it sent no object");
    return this.#readSteadily(answer.body);
  }

  /** Fails if no byte comes for too long. */
  async *#readSteadily(body: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
    const reader = body.getReader();
    try {
      for (;;) {
        const { done, value } = await this.#within(reader.read());
        if (done) return;
        yield value;
      }
    } finally {
      await reader.cancel().catch(() => undefined);
    }
  }

  async #within<T>(reading: Promise<T>): Promise<T> {
    const over = new AbortController();
    const late = this.#clock.sleep(this.#server.timeout, over.signal).then(() => {
      if (!over.signal.aborted) throw this.#failed(`it sent nothing for ${this.#server.timeout / 1000} seconds`);
      return reading;
    });
    try {
      return await Promise.race([reading, late]);
    } finally {
      over.abort();
    }
  }

  async #text(request: S3Request): Promise<string> {
    const answer = await this.#request(request);
    const text = await this.#readText(answer);
    // An upload that cannot be completed is reported in an answer of status 200.
    const refusal = answer.ok ? describeRefusal(text) : undefined;
    if (refusal !== undefined) throw this.#failed(refusal);
    return answer.ok ? text : "";
  }

  async #readText(answer: Response): Promise<string> {
    if (answer.body === null) return "";
    const blocks: Uint8Array[] = [];
    let size = 0;
    for await (const block of this.#readSteadily(answer.body)) {
      size += block.length;
      if (size > largestAnswer) throw this.#failed("its answer is too long");
      blocks.push(block);
    }
    return Buffer.concat(blocks).toString("utf8");
  }

  async #request(request: S3Request): Promise<Response> {
    for (let attempt = 1; ; attempt += 1) {
      let why: string;
      try {
        const answer = await this.#send(request);
        if (answer.ok || request.accept?.includes(answer.status)) return answer;
        why = `${answer.status} ${describeRefusal(await this.#readText(answer)) ?? ""}`.trim();
        if (answer.status < 500 && answer.status !== 429) throw this.#failed(why);
      } catch (error) {
        request.signal?.throwIfAborted();
        if (error instanceof ArtifactStoreFailed) throw error;
        why = describeError(error, this.#server.timeout);
      }
      if (attempt === attempts) throw this.#failed(why);
      await this.#clock.sleep(100 * 2 ** attempt, request.signal);
      request.signal?.throwIfAborted();
    }
  }

  /** The time limit ends with the beginning of the answer: a large object may take longer. */
  async #send({ method, name, search = {}, headers = {}, body, signal }: S3Request): Promise<Response> {
    const digest = createHash("sha256")
      .update(body ?? "")
      .digest("hex");
    const late = new AbortController();
    const timer = this.#clock.after(this.#server.timeout, () =>
      late.abort(new DOMException("no answer in time", "TimeoutError")),
    );
    try {
      return await this.#aws.fetch(this.#addressOf(name, search), {
        method,
        headers: { ...headers, "X-Amz-Content-Sha256": digest },
        redirect: "error",
        signal: signal ? AbortSignal.any([late.signal, signal]) : late.signal,
        ...(body === undefined ? {} : { body: body as string }),
      });
    } finally {
      timer.cancel();
    }
  }

  #addressOf(name: string, search: Readonly<Record<string, string>>): string {
    const { endpoint, bucket, virtualHosted } = this.#server;
    const url = new URL(endpoint);
    if (virtualHosted) url.host = `${bucket}.${url.host}`;
    const base = url.pathname.replace(/\/$/, "");
    url.pathname = virtualHosted ? `${base}/${name}` : `${base}/${bucket}/${name}`;
    url.search = new URLSearchParams(search).toString();
    return url.href;
  }

  #failed(why: string): ArtifactStoreFailed {
    return new ArtifactStoreFailed(`the artifact store, ${this.description}, failed: ${why}`);
  }
}

function describeError(error: unknown, timeout: number): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer in ${timeout / 1000} seconds (timeout)`;
  return error.cause instanceof Error ? error.cause.message : error.message;
}
