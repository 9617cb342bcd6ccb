#!/usr/bin/env node
// A stand-in for the AWS command line, strict about what it is asked: an instance runs its user data on this machine.
import { randomBytes } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { endGuest, readGuests, readOptions, refuse, startGuest, state } from "./run-guest.mjs";

const [service, command, ...args] = process.argv.slice(2);
appendFileSync(join(state, "asked"), `${command}\n`);
if (service !== "ec2") refuse(`Invalid choice: ${service}`);

const only = (options, name, pattern) => {
  const [value, ...more] = options[name] ?? [];
  if (value === undefined || more.length > 0 || !pattern.test(value)) refuse(`Invalid value of --${name}: ${value}`);
  return value;
};

if (command === "run-instances") {
  const options = readOptions(args, [
    "count",
    "launch-template",
    "client-token",
    "instance-initiated-shutdown-behavior",
    "user-data",
    "tag-specifications",
    "query",
    "output",
  ]);
  only(options, "count", /^1$/);
  only(options, "launch-template", /^LaunchTemplateName=ci$/);
  only(options, "instance-initiated-shutdown-behavior", /^terminate$/);
  only(options, "query", /^Instances\[0\]\.InstanceId$/);
  only(options, "output", /^text$/);
  const token = only(options, "client-token", /^[\x21-\x7e]{1,64}$/);
  const file = only(options, "user-data", /^file:\/\//).slice("file://".length);
  const [, list] =
    /^ResourceType=instance,Tags=\[(.*)\]$/.exec(only(options, "tag-specifications", /./)) ?? refuse("no tags");
  const tags = Object.fromEntries(
    [...list.matchAll(/\{Key=([^,{}]+),Value=([^,{}]+)\}/g)].map(([, key, value]) => [key, value]),
  );
  const known = readGuests().find((one) => one.token === token);
  const id = known?.id ?? `i-${randomBytes(8).toString("hex")}`;
  if (!known) startGuest(id, { tags, token }, readFileSync(file, "utf8"));
  console.log(id);
} else if (command === "terminate-instances") {
  const options = readOptions(args, ["instance-ids", "output"]);
  const id = only(options, "instance-ids", /^i-[0-9a-f]{16}$/);
  const found = readGuests().find((one) => one.id === id);
  if (!found)
    refuse(
      `An error occurred (InvalidInstanceID.NotFound) when calling the TerminateInstances operation: The instance ID '${id}' does not exist`,
    );
  endGuest(found);
} else if (command === "describe-instances") {
  const options = readOptions(args, ["filters", "query", "output"]);
  only(options, "output", /^text$/);
  const query = "Reservations[].Instances[].[InstanceId, Tags[?Key==`multimaster.instance`]|[0].Value, State.Name]";
  if (options.query?.[0] !== query) refuse(`Bad value for --query: ${options.query}`);
  const filters = options.filters.map(
    (text) => /^Name=([^,]+),Values=(.+)$/.exec(text) ?? refuse(`not a filter: ${text}`),
  );
  for (const { id, tags, isAlive } of readGuests()) {
    const stateName = isAlive ? "running" : "stopped";
    const fits = filters.every(([, name, values]) =>
      values.split(",").includes(name === "instance-state-name" ? stateName : tags[name.replace(/^tag:/, "")]),
    );
    if (fits) console.log([id, tags["multimaster.instance"] ?? "None", stateName].join("\t"));
  }
} else refuse(`Invalid choice: ${command}`);
