import { readFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestCertificate } from "./certificate.ts";
import { onCleanup } from "./cleanup.ts";

/** A request that a target got. */
export interface TargetCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it
  readonly body: any;
}

/** What it answers; undefined: 200 with an empty object. A text is sent as it is. A function gets the response itself. */
export type TargetAnswer =
  | { readonly status?: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | ((response: ServerResponse) => void)
  | undefined;

export interface ReportTarget {
  readonly url: string;
  /** Every request, in order. */
  readonly calls: TargetCall[];
  /** Decides what it answers from now on. */
  answer(with_: (call: TargetCall) => TargetAnswer): void;
}

/** A server that gets reports, on a free port; with a certificate over HTTPS. */
export async function startReportTarget(certificate?: TestCertificate): Promise<ReportTarget> {
  const calls: TargetCall[] = [];
  let decide: (call: TargetCall) => TargetAnswer = () => undefined;
  const listen: RequestListener = async (request, response) => {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const text = Buffer.concat(pieces).toString("utf8");
    const { method = "", url = "", headers } = request;
    const call = { method, path: url, headers, text, body: parse(text) };
    calls.push(call);
    const answer = decide(call);
    if (typeof answer === "function") return answer(response);
    const { status = 200, headers: own = {}, body = {} } = answer ?? {};
    const isText = typeof body === "string";
    response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json", ...own });
    response.end(isText ? body : JSON.stringify(body));
  };
  const server = certificate
    ? createSecureServer({ key: readFileSync(certificate.key), cert: readFileSync(certificate.certificate) }, listen)
    : createServer(listen);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onCleanup(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return {
    url: `${certificate ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    answer(with_) {
      decide = with_;
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
