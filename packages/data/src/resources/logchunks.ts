import { type Connection, queryRows } from "@multimaster/database";
import { attachment } from "../model/attachment.ts";
import { defineResource, type LinesAnswer, type RawAnswer, type ReadContext } from "../model/define-resource.ts";
import { integer, text } from "../model/field-kinds.ts";
import { RawSizes } from "../read/log-text/raw-sizes.ts";
import { type LogToRead, readLines, stripPrefixes } from "../read/log-text/read-lines.ts";
import { bindParams } from "../read/select.ts";
import { logPaths } from "./logs.ts";

interface LogOfBuild extends LogToRead {
  readonly slug: string;
  readonly stepName: string;
  readonly number: number;
  readonly builder: string;
  readonly worker: string | null;
  readonly complete: number;
  readonly lines: number;
}

const places = [
  { log: "logs/n:logid" as const, where: "l.id = :logid" },
  ...logPaths
    .filter(({ byName }) => !byName)
    .map(({ prefix, ofStep }) => ({
      log: `${prefix}/logs/i:log_slug` as const,
      where: `${ofStep} and l.slug = :log_slug`,
    })),
];

/** The text of a log: `limit` lines from line `offset`, or all of it; or as a file, without the letters of the streams. */
export const logchunks = defineResource({
  name: "logchunk",
  plural: "logchunks",
  rights: { needs: ["logs"] },
  rootLink: true,
  id: "logid",
  fields: { logid: { schema: integer }, firstline: { schema: integer }, content: { schema: text } },
  paths: [
    // Listed at the root, but a chunk belongs to a log: there is nothing here.
    { pattern: "logchunks", kind: "single", rows: async () => undefined },
    ...places.flatMap(
      ({ log, where }) =>
        [
          { pattern: `${log}/contents`, kind: "lines", lines: (context: ReadContext) => openContents(context, where) },
          { pattern: `${log}/raw`, kind: "raw", open: (context: ReadContext) => openRaw(context, where, true) },
          { pattern: `${log}/raw_inline`, kind: "raw", open: (context: ReadContext) => openRaw(context, where, false) },
        ] as const,
    ),
  ],
});

async function findLog({ connection, params }: ReadContext, condition: string): Promise<LogOfBuild | undefined> {
  const where = bindParams(condition, params);
  const [log] = await queryRows<LogOfBuild & { stepname: string }>(
    connection,
    `select l.id as logid, l.type, l.slug, l.complete, l.num_lines as lines, s.name as stepname, b.number, bu.name as builder, w.name as worker
       from logs l join steps s on s.id = l.stepid join builds b on b.id = s.buildid
       join builders bu on bu.id = b.builderid left join workers w on w.id = b.workerid where ${where.sql}`,
    where.bindings,
  );
  return log && { ...log, stepName: log.stepname };
}

/** Beyond its end a log is empty, not missing: clients that follow a running log ask for lines that are still to come. */
async function openContents(context: ReadContext, where: string): Promise<LinesAnswer | undefined> {
  const log = await findLog(context, where);
  if (!log) return undefined;
  const { offset, limit } = context.lines ?? { offset: 0, limit: undefined };
  return {
    item: { logid: log.logid, firstline: offset },
    field: "content",
    text: (async function* () {
      for await (const lines of readLines(context.connection, log, offset, limit)) yield lines.toString("utf8");
    })(),
  };
}

async function openRaw(context: ReadContext, where: string, asFile: boolean): Promise<RawAnswer | undefined> {
  const log = await findLog(context, where);
  if (!log) return undefined;
  const file = `${log.builder}_build_${log.number}_step_${log.stepName}_log_${log.slug}`;
  return {
    contentType: `${log.type === "h" ? "text/html" : "text/plain"}; charset=utf-8`,
    ...(asFile ? { disposition: attachment(file) } : {}),
    ...(log.complete === 1 ? { tag: `log-${log.logid}-${log.lines}` } : {}),
    size: () => sizesOf(context).measure(log.logid, headerOf(log).length, (line) => readRaw(context, log, line)),
    body: rawFrom(context, log, 0).body,
    from: (byte) => rawFrom(context, log, byte),
  };
}

/** By database. */
const known = new WeakMap<Connection, RawSizes>();

function sizesOf({ connection }: ReadContext): RawSizes {
  let sizes = known.get(connection);
  if (!sizes) known.set(connection, (sizes = new RawSizes()));
  return sizes;
}

/** The text as a file, from the beginning or from an offset that was measured before. */
function rawFrom(context: ReadContext, log: LogOfBuild, byte: number): { start: number; body: AsyncIterable<Buffer> } {
  const mark = sizesOf(context).markBefore(log.logid, byte);
  return mark
    ? { start: mark.size, body: readRaw(context, log, mark.line) }
    : { start: 0, body: withHeader(log, readRaw(context, log, 0)) };
}

function headerOf(log: LogOfBuild): Buffer {
  if (log.type !== "s") return Buffer.alloc(0);
  return Buffer.from(`Builder: ${log.builder}\nBuild number: ${log.number}\nWorker name: ${log.worker ?? "None"}\n`);
}

async function* withHeader(log: LogOfBuild, text: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const header = headerOf(log);
  if (header.length > 0) yield header;
  yield* text;
}

async function* readRaw({ connection }: ReadContext, log: LogOfBuild, line: number): AsyncGenerator<Buffer> {
  for await (const lines of readLines(connection, log, line)) yield log.type === "s" ? stripPrefixes(lines) : lines;
}
