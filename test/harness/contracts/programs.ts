import { createHmac } from "node:crypto";
import httpPush from "@multimaster/plugins/reporters/http-push";
import openTelemetry from "@multimaster/plugins/reporters/opentelemetry";
import { z } from "zod";
import type { TargetCall } from "../report-target.ts";
import type { Contract } from "../strict-target.ts";

const key = Buffer.from("a long secret of both");
const secret = `whsec_${key.toString("base64")}`;

/** As receivers of GitHub's webhooks check them, and those of Standard Webhooks: before anything is parsed. */
function isSigned({ headers, text }: TargetCall): boolean {
  const { "webhook-id": id, "webhook-timestamp": at, "webhook-signature": signature } = headers;
  const isFresh = Math.abs(Date.now() / 1000 - Number(at)) < 300;
  return (
    headers["x-hub-signature-256"] === `sha256=${createHmac("sha256", secret).update(text).digest("hex")}` &&
    isFresh &&
    id === headers["idempotency-key"] &&
    signature === `v1,${createHmac("sha256", key).update(`${id}.${at}.${text}`).digest("base64")}`
  );
}

const seconds = z.number().nullable();
const builder = z.strictObject({ builderid: z.int(), name: z.string(), tags: z.array(z.string()) });
const sourcestamp = z.strictObject({
  codebase: z.string(),
  repository: z.string(),
  project: z.string(),
  branch: z.string().nullable(),
  revision: z.string().nullable(),
});

/** A build with what Buildbot's HttpStatusPush nests in it, as a build of its data API. */
const build = z.strictObject({
  buildid: z.int(),
  number: z.int(),
  builderid: z.int(),
  buildrequestid: z.int(),
  complete: z.boolean(),
  complete_at: seconds,
  started_at: seconds,
  results: z.int().min(0).max(6).nullable(),
  state_string: z.string(),
  builder,
  buildset: z.strictObject({ bsid: z.int(), reason: z.string(), sourcestamps: z.array(sourcestamp) }),
  properties: z.record(z.string(), z.tuple([z.json(), z.string()])),
  prev_build: z.strictObject({ buildid: z.int(), number: z.int(), results: z.int() }).nullable(),
  url: z.url(),
  steps: z.array(
    z.strictObject({
      stepid: z.int(),
      number: z.int(),
      name: z.string(),
      results: z.int().nullable(),
      state_string: z.string(),
      started_at: seconds,
      complete_at: seconds,
      complete: z.boolean(),
      urls: z.array(z.strictObject({ name: z.string(), url: z.string() })),
      logs: z.array(z.strictObject({ logid: z.int(), name: z.string(), slug: z.string(), num_lines: z.int().min(0) })),
    }),
  ),
});

const base = {
  shown: 1,
  limited: { status: 429, headers: { "retry-after": "30" }, body: { message: "slow down" } },
  limitMs: 30_000,
  revoked: { status: 403, body: { message: "unknown signature" } },
} as const;

const buildbotContract: Contract = {
  ...base,
  kind: "http-push in Buildbot's shape",
  reporter: (url, more) => httpPush({ name: "r", url: `${url}/in`, secret, ...more }),
  isAllowed: (call) => isSigned(call) && call.headers["content-type"] === "application/json",
  routes: [
    {
      method: "POST",
      path: /^\/in$/,
      body: build,
      // The receiver keeps what has a new key.
      act({ headers, body }, kept) {
        kept.set(String(headers["idempotency-key"]), body);
        return { status: 202 };
      },
    },
  ],
};

const cloudEventsContract: Contract = {
  ...base,
  kind: "http-push of CloudEvents",
  reporter: (url, more) => httpPush({ name: "r", url: `${url}/in`, secret, format: "cloudevents", ...more }),
  isAllowed: (call) => isSigned(call) && call.headers["content-type"] === "application/cloudevents+json; charset=utf-8",
  routes: [
    {
      method: "POST",
      path: /^\/in$/,
      // CloudEvents 1.0, JSON format, structured mode; source and id together name an event once.
      body: z.strictObject({
        specversion: z.literal("1.0"),
        id: z.string().min(1),
        source: z.url(),
        type: z.string().regex(/^multimaster\.[a-z-]+$/),
        subject: z.string().min(1),
        time: z.iso.datetime(),
        datacontenttype: z.literal("application/json"),
        data: build,
      }),
      act({ body }, kept) {
        kept.set(`${body.source} ${body.id}`, body);
        return { status: 202 };
      },
    },
  ],
};

const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`));
const nanoseconds = z.string().regex(/^\d{1,20}$/);
const attribute = z.strictObject({
  key: z.string().min(1),
  value: z.union([
    z.strictObject({ stringValue: z.string() }),
    z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  ]),
});
const span = z
  .strictObject({
    traceId: hex(32),
    spanId: hex(16),
    parentSpanId: hex(16).optional(),
    name: z.string().min(1),
    kind: z.literal(1),
    startTimeUnixNano: nanoseconds,
    endTimeUnixNano: nanoseconds,
    attributes: z.array(attribute),
    status: z.strictObject({
      code: z.union([z.literal(0), z.literal(1), z.literal(2)]),
      message: z.string().optional(),
    }),
  })
  .refine((one) => BigInt(one.endTimeUnixNano) >= BigInt(one.startTimeUnixNano), "it ends before it begins");

/** OTLP 1.x over HTTP, in JSON: ids are hexadecimal, numbers of 64 bits are texts. */
const openTelemetryContract: Contract = {
  ...base,
  kind: "opentelemetry",
  reporter: (url, more) =>
    openTelemetry({ name: "r", url: `${url}/v1/traces`, headers: { authorization: "Bearer abcdef" }, ...more }),
  isAllowed: ({ headers }) =>
    headers["authorization"] === "Bearer abcdef" && headers["content-type"] === "application/json",
  routes: [
    {
      method: "POST",
      path: /^\/v1\/traces$/,
      body: z.strictObject({
        resourceSpans: z.tuple([
          z.strictObject({
            resource: z.strictObject({ attributes: z.array(attribute).min(1) }),
            scopeSpans: z.tuple([
              z.strictObject({ scope: z.strictObject({ name: z.string() }), spans: z.array(span).min(2) }),
            ]),
          }),
        ]),
      }),
      // A trace is known by its id: what arrives twice is one.
      act({ body }, kept) {
        kept.set(body.resourceSpans[0].scopeSpans[0].spans[0].traceId, body);
        return { status: 200, body: {} };
      },
    },
  ],
};

export const programs: readonly Contract[] = [buildbotContract, cloudEventsContract, openTelemetryContract];
