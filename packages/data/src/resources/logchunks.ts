import { type Connection, queryRows } from "@multimaster/database";
import { attachment } from "../attachment.ts";
import { defineResource, type LinesAnswer, type RawAnswer, type ReadContext } from "../define-resource.ts";
import { integer, text } from "../field-kinds.ts";
import { type LogToRead, readLines, stripPrefixes } from "../log-text/read-lines.ts";
import { bindParams } from "../select.ts";
import { logPlaces } from "./logs.ts";

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
  { log: "logs/n:logid", where: "l.id = :logid" },
  ...logPlaces
    .filter(({ byName }) => !byName)
    .map(({ prefix, ofStep }) => ({ log: `${prefix}/logs/i:log_slug`, where: `${ofStep} and l.slug = :log_slug` })),
];

/** The text of a log: `limit` lines from line `offset`, or all of it; or as a file, without the letters of the streams. */
export const logchunks = defineResource({
  name: "logchunk",
  plural: "logchunks",
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

/** Beyond its end a log is empty, not missing: who follows a running log asks for lines that are still to come. */
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
    size: () => measureRaw(context, log),
    body: readRaw(context, log),
  };
}

/** Sizes of finished logs that were asked for, by database and id: whoever asks for one range asks for the next. */
const known = new WeakMap<Connection, Map<number, number>>();
const maxKnown = 1000;

async function measureRaw(context: ReadContext, log: LogOfBuild): Promise<number> {
  let sizes = known.get(context.connection);
  if (!sizes) known.set(context.connection, (sizes = new Map()));
  const found = log.complete === 1 ? sizes.get(log.logid) : undefined;
  if (found !== undefined) return found;
  let size = 0;
  for await (const piece of readRaw(context, log)) size += piece.length;
  if (log.complete === 1) {
    if (sizes.size >= maxKnown) sizes.delete(sizes.keys().next().value as number);
    sizes.set(log.logid, size);
  }
  return size;
}

async function* readRaw({ connection }: ReadContext, log: LogOfBuild): AsyncGenerator<Buffer> {
  const streams = log.type === "s";
  if (streams) {
    yield Buffer.from(`Builder: ${log.builder}\nBuild number: ${log.number}\nWorker name: ${log.worker ?? "None"}\n`);
  }
  for await (const lines of readLines(connection, log)) yield streams ? stripPrefixes(lines) : lines;
}
