import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { beforeAll, describe, expect, it } from "vitest";
import { recordings, seedRecorded } from "../../harness/rest-recordings.ts";
import { type RestServer, startRestServer } from "../../harness/rest-server.ts";
import { newDatabase } from "../../harness/test-databases.ts";

// biome-ignore lint/suspicious/noExplicitAny: a description is looked into by name
type Obj = Record<string, any>;

describe("the description of the API", () => {
  let server: RestServer;
  let api: Obj;
  beforeAll(async () => {
    const database = await newDatabase("sqlite");
    await seedRecorded(database);
    // Only a rule that names them opens the workers' accounts and the tries.
    const rules = [{ allow: "read", on: ["worker_accounts", "tryschedulers"], to: ["anyone"] }] as const;
    server = await startRestServer(database, { authorization: { rules: [...rules], otherwise: "allow" } });
    api = (await server.get("/api/v2/openapi.json")).body;
  });

  it("is OpenAPI 3.1, with every path that application.spec has", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(api));
    expect(errors).toBeUndefined();
    expect([valid, api["openapi"]]).toEqual([true, "3.1.0"]);
    const templates = new Set(Object.keys(api["paths"]).map((path) => path.replace(/\{[^}]+\}/g, "{}")));
    const { specs } = (await server.get("/api/v2/application.spec")).body;
    for (const { path } of specs)
      if (path !== "") expect(templates, path).toContain(`/${path.replace(/(^|\/)[nis]?:[^/]+/g, "$1{}")}`);
  });

  const lists = recordings.filter(({ status, contentType }) => status === 200 && contentType?.includes("json"));

  it("is at the alias of the base, too", async () => {
    expect((await server.get("/api/latest/openapi.json")).body).toEqual(api);
  });

  it("is what the answers are", async () => {
    const ajv = new Ajv2020({ strict: false, formats: { int64: true } });
    ajv.addSchema({ ...api, $id: "api" });
    let checked = 0;
    for (const { request } of lists) {
      const answer = await server.get(request.path);
      const path = request.path.replace(/^\/api\/(v2|latest)/, "").replace(/\?.*/, "");
      const template = findTemplate(Object.keys(api["paths"]), path);
      if (answer.status !== 200 || template === undefined || typeof answer.body !== "object") continue;
      const pointer = `/paths/${template.replaceAll("~", "~0").replaceAll("/", "~1")}/get/responses/200/content/application~1json/schema`;
      const validate = ajv.getSchema(`api#${encodeURI(pointer)}`);
      expect(validate, pointer).toBeDefined();
      expect([validate?.(answer.body), validate?.errors], request.path).toEqual([true, null]);
      checked++;
    }
    expect(checked).toBeGreaterThan(40);
  });

  it("names only parameters that are understood", async () => {
    for (const [path, { get }] of Object.entries<Obj>(api["paths"])) {
      if (path.includes("{") || path === "/logchunks") continue;
      for (const { name, schema } of get.parameters ?? []) {
        const items = schema.items ?? schema;
        const value = items.enum?.[0] ?? { integer: 1, boolean: true, string: "a" }[items.type as "string"];
        const { status, text } = await server.get(`/api/v2${path}?${name}=${value}`);
        expect([status, status === 200 ? "" : text], `${path}?${name}=${value}`).toEqual([200, ""]);
      }
    }
  });

  it("is a page for people, too, that needs nothing from elsewhere", async () => {
    const { status, contentType, headers, text } = await server.get("/api/v2/openapi");
    expect([status, contentType]).toEqual([200, "text/html; charset=utf-8"]);
    expect(headers.get("content-security-policy")).toMatch(/^default-src 'none'/);
    expect(text).toContain("/builders/{builderid}/builds");
    expect(text).not.toMatch(/<script|https?:/);
  });
});

/** The template with the most literal parts that leads to this path. */
function findTemplate(templates: readonly string[], path: string): string | undefined {
  const matching = templates.filter((template) =>
    new RegExp(`^${template.replace(/[.]/g, "\\.").replace(/\{[^}]+\}/g, "[^/]+")}$`).test(path),
  );
  return matching.sort((a, b) => a.split("{").length - b.split("{").length)[0];
}
