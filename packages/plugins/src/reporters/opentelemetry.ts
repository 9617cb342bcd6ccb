import { z } from "zod";
import { defineReporter } from "../define-reporter.ts";
import { headersOption, webUrl } from "../web-options.ts";
import { askWith, httpShape } from "./http/http-shape.ts";
import { spansOf } from "./opentelemetry/build-spans.ts";
import { reporterShape } from "./reporter-options.ts";

const options = z.strictObject({
  ...reporterShape,
  ...httpShape,
  url: webUrl.describe(
    "Where a collector takes traces over HTTP as JSON, such as `http://collector.example.org:4318/v1/traces`.",
  ),
  headers: headersOption.default({}).describe("Headers of each request, such as a login."),
});

/**
 * Sends each build that ends as a trace (OTLP 1.x, JSON over HTTP): how long its request waited, and its steps. The ids of a trace
 * come from the build, so that a trace which arrives twice is one.
 */
export default defineReporter({
  type: "opentelemetry",
  wantsMuted: true,
  options,
  events: ["build-ended"],
  reports: ["build-ended"],
  contextOf: ({ build }) => (build ? `trace ${build.buildid}` : null),
  open(ctx, opts) {
    const ask = askWith(ctx, opts, { isOnlyAddress: true });
    return {
      async send(report) {
        const { build } = report;
        if (!build) return;
        const { steps } = await report.details();
        await ask({
          method: "POST",
          url: opts.url,
          headers: { "content-type": "application/json", ...opts.headers },
          body: JSON.stringify({
            resourceSpans: [
              {
                resource: { attributes: [{ key: "service.name", value: { stringValue: ctx.cluster.name } }] },
                scopeSpans: [
                  { scope: { name: "multimaster" }, spans: spansOf(ctx.cluster.name, { ...report, build }, steps) },
                ],
              },
            ],
          }),
        });
      },
    };
  },
});
