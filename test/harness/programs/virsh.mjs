#!/usr/bin/env node
// A stand-in for virsh, strict about what it is asked: a machine runs a worker on this one with what its XML says.
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { endGuest, readGuests, readOptions, refuse, startGuest, state } from "./run-guest.mjs";

const [quiet, connect, uri, command, ...args] = process.argv.slice(2);
if (quiet !== "--quiet" || connect !== "--connect" || uri !== "test:///default") refuse(`error: not connected: ${uri}`);
appendFileSync(join(state, "asked"), `${command}\n`);
// A test writes the commands that fail into this file.
const broken = join(state, "broken");
if (existsSync(broken) && readFileSync(broken, "utf8").split("\n").includes(command))
  refuse("error: failed to connect to the hypervisor");
const volumes = join(state, "volumes");
mkdirSync(volumes, { recursive: true });
const text = (options, name) => options[name]?.[0] ?? refuse(`error: command '${command}' requires --${name} option`);
const inPool = (options) => text(options, "pool") === "ci" || refuse(`error: failed to get pool '${options.pool}'`);
const findGuest = (name) => readGuests().find((one) => one.id === name);

if (command === "vol-list") {
  inPool(readOptions(args, ["pool"]));
  for (const name of readdirSync(volumes)) console.log(` ${name}   /pool/${name}`);
} else if (command === "vol-create-as") {
  const options = readOptions(args, ["pool", "name", "capacity", "format", "backing-vol", "backing-vol-format"]);
  inPool(options);
  if (text(options, "backing-vol") !== "debian.qcow2") refuse("error: failed to get vol");
  const file = join(volumes, text(options, "name"));
  if (existsSync(file)) refuse("error: storage volume exists already");
  writeFileSync(file, "");
} else if (command === "vol-delete") {
  const options = readOptions(args, ["pool", "vol"]);
  inPool(options);
  const file = join(volumes, text(options, "vol"));
  if (!existsSync(file)) refuse("error: failed to get vol");
  rmSync(file);
} else if (command === "list") {
  readOptions(args, ["name"]);
  for (const { id, isAlive } of readGuests()) if (isAlive) console.log(id);
  console.log();
} else if (command === "create") {
  const xml = readFileSync(text(readOptions(args, ["file"]), "file"), "utf8");
  const between = (pattern) => pattern.exec(xml)?.[1] ?? refuse(`error: XML error: ${pattern}`);
  const name = between(/<name>([\w.-]+)<\/name>/);
  const volume = between(/<source pool='ci' volume='([\w.-]+)'\/>/);
  if (!existsSync(join(volumes, volume))) refuse("error: Storage volume not found");
  if (findGuest(name)?.isAlive) refuse(`error: operation failed: domain '${name}' already exists`);
  if (/@[A-Z_]+@/.test(xml)) refuse("error: XML error: something is not filled in");
  const entry = (key) => between(new RegExp(`<entry name='opt/multimaster/${key}'>([^<&]+)</entry>`));
  const login = `--master '${entry("master")}' --name '${entry("worker")}' --password-file "$TMPDIR/password"`;
  const script = `umask 077; printf %s '${entry("password")}' >"$TMPDIR/password"; exec multimaster-worker start ${login} --basedir .`;
  startGuest(name, {}, script);
  console.log(`Domain '${name}' created from a file`);
} else if (command === "destroy") {
  const name = text(readOptions(args, ["domain"]), "domain");
  endGuest(findGuest(name) ?? refuse(`error: failed to get domain '${name}'`));
} else refuse(`error: unknown command: '${command}'`);
