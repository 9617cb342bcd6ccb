import { expect, it } from "vitest";
import { z } from "zod";
import { type WorkersSliceInput, warningsOfWorkers, workersSlice } from "./workers.ts";

const options = z.looseObject({ name: z.string() });
const latent = (more: object) => ({
  plugin: { kind: "latent-worker", type: "machine", options },
  options: { name: "m", ...more },
});
const warningsOf = (slice: object) =>
  warningsOfWorkers(workersSlice.parse({ workers: [], ...slice } as WorkersSliceInput)).map(({ path }) =>
    path.join("."),
  );

it("warns of instances that connect to the engine's own address, where the worker ports speak TLS", () => {
  const tls = { certificate: "c.pem", key: "k.pem" };
  expect(warningsOf({ tls, latent: [latent({ masterUrl: "wss://ci.example.org:9989" }), latent({})] })).toEqual([
    "latent.1.masterUrl",
  ]);
  expect(warningsOf({ latent: [latent({})] })).toEqual([]);
});
