// biome-ignore lint/suspicious/noExplicitAny: a description is looked into by name
type Obj = Record<string, any>;

/** What is there to be named, in the cluster that is asked. */
const names: Readonly<Record<string, readonly string[]>> = {
  buildername: ["web", "absent"],
  schedulername: ["force"],
  name: ["local", "remote"],
  log_slug: ["stdio"],
  step_name: ["hello", "work"],
};

const reason = { type: "string" };
// Short: the fuzzer waits for the answer.
const wait = { enum: [0, 0.01, null, -1, 61, "1", [], {}] };
const role = { enum: ["ui", "scheduler", "builder-engine", "no-such-role", "", null, 7] };
const builderNames = { type: "array", items: { anyOf: [{ enum: ["web", "absent"] }, {}] } };

/** What some method understands; the others pass it over. */
const params: Obj = {
  ...{ reason, wait, role, builderNames },
  deadline: { anyOf: [{ type: "number" }, {}] },
  builders: { anyOf: [{ type: "array", items: { type: "string" } }, {}] },
  priority: { anyOf: [{ type: "integer" }, {}] },
  enabled: { anyOf: [{ type: "boolean" }, {}] },
  builderid: { anyOf: [{ type: "integer", minimum: 1, maximum: 3 }, {}] },
  code: { anyOf: [{ type: "integer" }, {}] },
  target: { anyOf: [{ enum: ["debug", "release"] }, {}] },
  gate: {},
  username: { anyOf: [{ type: "string" }, {}] },
  author: { anyOf: [{ type: "string", minLength: 1 }, {}] },
  comments: { anyOf: [{ type: "string" }, {}] },
  files: { anyOf: [{ type: "array", items: { type: "string" } }, {}] },
  properties: { anyOf: [{ type: "object" }, {}] },
  when_timestamp: { anyOf: [{ type: "integer" }, {}] },
  revlink: { anyOf: [{ type: "string" }, {}] },
  branch: { anyOf: [{ type: "string" }, {}] },
  delivery: { anyOf: [{ type: "string" }, {}] },
};

/** The description, so narrowed that what is made up from it is as often about something that is there as not. */
export function sharpen(description: object): object {
  const sharpened = structuredClone(description) as Obj;
  for (const path of Object.values<Obj>(sharpened["paths"])) {
    for (const parameter of path["parameters"] ?? []) parameter.schema = sharpenParameter(parameter);
    const call = path["post"]?.requestBody.content["application/json"].schema;
    if (call) call.properties.params = { anyOf: [call.properties.params, paramsOf(call.properties.method.enum)] };
  }
  return sharpened;
}

function sharpenParameter({ name, schema }: { name: string; schema: object }): object {
  const known = names[name];
  const near = known ? { enum: known } : { type: "integer", minimum: 0, maximum: 6 };
  return { anyOf: [near, schema] };
}

function paramsOf(methods: readonly string[]): object {
  const required = methods.includes("add") ? ["author", "comments"] : methods.includes("add_role") ? ["role"] : [];
  return { type: "object", properties: params, required };
}
