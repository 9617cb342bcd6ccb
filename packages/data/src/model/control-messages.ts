import { type Json, Results } from "@multimaster/core";

/**
 * Requests that a master sends to the master that holds a thing, as `control.<of>.<id>.<action>`. Each is a row before it is a
 * message: if no one reacts, the master that holds the thing finds the row when it next polls.
 */
export const controlMessages = {
  builds: { stop: "The engine that runs the build stops it; without the message, when it next polls." },
  buildrequests: {
    cancel: "The engine that claimed the request cancels it; without the message, when it next polls.",
  },
  worker: {
    pause:
      "The engine that has the worker reads its row and gives it no new builds; without the message, when it next polls.",
    unpause:
      "The engine that has the worker reads its row and gives it builds again; without the message, when it next polls.",
    stop: "The engine that has the worker shuts it down after its builds; without the message, when it next polls.",
    kill: "The engine that has the worker shuts it down now; without the message, when it next polls.",
  },
  masters: { order: "The master reads its commands and carries them out; without the message, when it next polls." },
  changesources: {
    poll: "The master that has the change source polls it; without the message, when it next reads the poll requests.",
  },
} as const;

/** What a control message can be about. */
export type ControlSubject = keyof typeof controlMessages;

/** What can be asked for of such a thing. */
export type ControlAction<S extends ControlSubject> = keyof (typeof controlMessages)[S] & string;

/**
 * What our masters publish after they have written that builds are to stop. Buildbot's masters honour `results`, which can only be
 * this one, and never send it: it tells our messages from theirs, for which no one has written rows.
 */
export const writtenStop = (reason: string) => ({ reason, results: Results.CANCELLED });

/** Whether rows were written for this message. What wakes through PostgreSQL still has its integers. */
export const isWrittenStop = (payload: Json): boolean =>
  typeof payload === "object" && payload !== null && "results" in payload && payload["results"] === Results.CANCELLED;
