import type { Json } from "@multimaster/core";
import { actionsOf } from "../../actions/index.ts";
import type { AnyResource, Field } from "../../model/define-resource.ts";
import { resources } from "../../resources/registry.ts";
import { mostInList } from "../bound-list.ts";
import { type ApiPath, listTemplates, type PathTemplate } from "./paths.ts";
import { describe, filterSchema, resourceSchema } from "./schemas.ts";

type Obj = { readonly [key: string]: Json };

/** The REST API as OpenAPI 3.1, made from the resources. */
export function describeApi({ title, version, server }: { title: string; version: string; server: string }): Obj {
  return {
    openapi: "3.1.0",
    info: {
      title: `${title} REST API`,
      version,
      description:
        "Reads are GET; a POST to an object calls one of its methods by JSON-RPC 2.0. Lists are filtered by `<field>=<value>` or `<field>__<operator>=<value>` with the operators eq, ne, lt, le, gt, ge, contains, in and notin; a repeated filter means any of its values.",
    },
    servers: [{ url: server }],
    paths: Object.fromEntries(listTemplates(resources).map((template) => [template.template, describePath(template)])),
    components: {
      schemas: {
        ...Object.fromEntries(resources.map((resource) => [schemaName(resource), resourceSchema(resource)])),
        error: { type: "object", properties: { error: { type: "string" } }, required: ["error"] },
        rpc_error: {
          type: "object",
          properties: {
            jsonrpc: { const: "2.0" },
            id: { type: ["string", "number", "null"] },
            error: {
              type: "object",
              properties: {
                code: { type: "integer" },
                message: {
                  anyOf: [{ type: "string" }, { type: "object" }],
                  description: "an object: one sentence per field",
                },
              },
              required: ["code", "message"],
            },
          },
          required: ["jsonrpc", "error"],
        },
      },
      responses: {
        bad_query: failure("The query is wrong; the sentence says where."),
        token_refused: failure("The API token is unknown, expired or revoked."),
        forbidden: failure("That is for others; the sentence says for whom."),
        not_found: failure("There is no such path or object."),
        too_long: failure("The address and the headers are longer than 16 kB together."),
        unavailable: failure("The database is away, or this master is leaving: ask again, or another one."),
        rpc_refused: {
          description: "It was not done; the sentence says why.",
          content: {
            "application/json": { schema: { $ref: "#/components/schemas/rpc_error" } },
            // Before it was read as a call: a page of another site, or sessions that cannot be looked up.
            "text/plain": { schema: { $ref: "#/components/schemas/error" } },
          },
        },
      },
    },
  };
}

const schemaName = (resource: AnyResource) => resource.name.replace(/^_/, "listed_");

/** What a POST to this path may call, by name. */
export function methodsOf({ resource, path }: ApiPath): string[] {
  return Object.keys(actionsOf(resource, path));
}

function describePath(template: PathTemplate): Obj {
  const [apiPath] = template.apiPaths as [ApiPath, ...ApiPath[]];
  const methods = methodsOf(apiPath);
  return {
    ...(template.parameters.length === 0
      ? {}
      : { parameters: template.parameters.map((parameter) => ({ ...parameter, in: "path", required: true })) }),
    get: describeGet(apiPath),
    ...(methods.length === 0 ? {} : { post: describePost(apiPath, methods) }),
  };
}

function describeGet(apiPath: ApiPath): Obj {
  const { resource, path } = apiPath;
  const common = { tags: [resource.plural], responses: {} };
  const errors = {
    400: { $ref: "#/components/responses/bad_query" },
    401: { $ref: "#/components/responses/token_refused" },
    403: { $ref: "#/components/responses/forbidden" },
    404: { $ref: "#/components/responses/not_found" },
    431: { $ref: "#/components/responses/too_long" },
    503: { $ref: "#/components/responses/unavailable" },
  };
  if (path.kind === "raw") {
    const content = { "*/*": { schema: { type: "string" } } };
    return {
      ...common,
      summary: `The bytes of a ${resource.name}`,
      responses: {
        200: { description: "All of it, as it is read.", content },
        206: { description: "The range that was asked for.", content },
        304: { description: "It is what it was." },
        416: { description: "Nothing of that range is there." },
        ...errors,
      },
    };
  }
  const item = { $ref: `#/components/schemas/${schemaName(resource)}` };
  const schema: Obj = {
    type: "object",
    properties: {
      [resource.plural]: { type: "array", items: item },
      meta: { type: "object", properties: { total: { type: "integer", description: "without limit and offset" } } },
    },
    required: [resource.plural, "meta"],
  };
  return {
    ...common,
    summary: path.kind === "collection" ? `List of ${resource.plural}` : `One ${resource.name}`,
    parameters: queryParameters(apiPath),
    responses: {
      200: {
        description: "A list, also of one; whoever does not accept application/json gets the same, indented, as text.",
        content: { "application/json": { schema }, "text/plain": { schema: { type: "string" } } },
      },
      304: { description: "It is what it was." },
      ...errors,
    },
  };
}

function queryParameters({ resource, path }: ApiPath): Obj[] {
  const fields = Object.entries<Field>(resource.fields);
  const names = fields.map(([name]) => name);
  const several = (items: Json) => ({ style: "form", explode: true, schema: { type: "array", items } });
  const parameters: Obj[] = [];
  const add = (name: string, description: string, more: Obj) =>
    parameters.push({ name, in: "query", description, ...more });
  if (names.length > 0) add("field", "only these fields", several({ enum: names }));
  if (fields.some(([, field]) => describe(field).kind === "sourcedproperties"))
    add("property", "properties to fill in, * for all", several({ type: "string" }));
  if (path.kind === "single") return parameters;
  const count = { schema: { type: "integer", minimum: 0 } };
  const most = mostInList(resource, undefined);
  const bound = most === undefined ? "" : `, at most ${most} unless field leaves out what is long`;
  add("limit", path.kind === "lines" ? "lines" : `objects${bound}`, count);
  add("offset", path.kind === "lines" ? "first line" : "objects left out before", count);
  if (path.kind !== "collection") return parameters;
  const sortable = fields.filter(([, field]) => isSortable(resource, field)).map(([name]) => name);
  if (sortable.length > 0)
    add("order", "by these, - for descending", several({ enum: sortable.flatMap((name) => [name, `-${name}`]) }));
  for (const [name, field] of fields) {
    const schema = filterSchema(field);
    if (!schema || (resource.from !== undefined && isUnfilterable(field))) continue;
    for (const operator of operatorsOf(field))
      add(operator === "eq" ? name : `${name}__${operator}`, `${name} ${operator}`, several(schema));
  }
  return parameters;
}

function operatorsOf(field: Field): readonly string[] {
  const { kind } = describe(field);
  if (kind === "list") return field.contains === undefined ? [] : ["contains"];
  if (kind === "integer" || kind === "datetime") return ["eq", "ne", "lt", "le", "gt", "ge"];
  return kind === "boolean" ? ["eq", "ne"] : ["eq", "ne", "contains"];
}

const isUnfilterable = (field: Field) =>
  describe(field).kind === "list" ? field.contains === undefined : field.sql === undefined || field.load !== undefined;

function isSortable(resource: AnyResource, field: Field): boolean {
  const { kind } = describe(field);
  if (kind === "list" || kind === "jsonobject" || kind === "sourcedproperties" || typeof kind === "object")
    return false;
  return resource.from === undefined || (field.sql !== undefined && field.load === undefined);
}

function describePost({ resource, path }: ApiPath, methods: readonly string[]): Obj {
  const call = {
    type: "object",
    properties: {
      jsonrpc: { const: "2.0" },
      id: { type: ["string", "number", "null"] },
      method: { enum: [...methods] },
      params: { type: "object" },
    },
    required: ["jsonrpc", "id", "method", "params"],
  };
  const done = {
    type: "object",
    properties: { jsonrpc: { const: "2.0" }, id: { type: ["string", "number", "null"] }, result: {} },
    required: ["jsonrpc", "id", "result"],
  };
  const refused = { $ref: "#/components/responses/rpc_refused" };
  return {
    tags: [resource.plural],
    summary: `Call ${methods.join(", ")} on ${path.kind === "single" ? `a ${resource.name}` : resource.plural}`,
    requestBody: { required: true, content: { "application/json": { schema: call } } },
    responses: {
      200: { description: "Done.", content: { "application/json": { schema: done } } },
      ...Object.fromEntries([400, 403, 404, 409, 413, 501, 503].map((status) => [status, refused])),
      401: { $ref: "#/components/responses/token_refused" },
      431: { $ref: "#/components/responses/too_long" },
    },
  };
}

function failure(description: string): Obj {
  return { description, content: { "text/plain": { schema: { $ref: "#/components/schemas/error" } } } };
}
