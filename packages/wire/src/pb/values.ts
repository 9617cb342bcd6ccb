import { RemoteException, RequestRefused } from "../link-errors.ts";

/** An object of the other end, by its number. Nothing is known of it but that it can be called. */
export class RemoteObject {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

/** Mentions an object of this end, so that the other end can call it. */
export class OwnObject {
  readonly id: number;

  constructor(id: number) {
    this.id = id;
  }
}

/** A list that must arrive as a tuple. */
export class Tuple {
  readonly items: readonly Sendable[];

  constructor(...items: readonly Sendable[]) {
    this.items = items;
  }
}

/** An exception of the other end, as text. */
export interface Failure {
  /** Full name of its class. */
  readonly type: string;
  readonly value: string;
  readonly traceback: string;
}

/** Wraps a failure among received values, so that no map can pass for one. */
export class ReceivedFailure {
  readonly failure: Failure;

  constructor(failure: Failure) {
    this.failure = failure;
  }
}

/** A received value. Names that came from the wire are keys of maps and texts, never properties or classes. */
export type Received =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | RemoteObject
  | ReceivedFailure
  | Received[]
  | Map<string, Received>;

/** A value to send: texts as unicode, bytes as they are, objects as dictionaries. */
export type Sendable =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | OwnObject
  | Tuple
  | readonly Sendable[]
  | { readonly [key: string]: Sendable };

/** The other end answered a call with an exception. */
export class RemoteFailure extends RemoteException {
  override name = "RemoteFailure";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(describeFailure(failure));
    this.failure = failure;
  }
}

/** Answered as an exception of this class of Python's. */
export class CallRefused extends RequestRefused {
  override name = "CallRefused";
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** Maximum length of a failure's text that is kept. */
const maxDescription = 65_536;

/** One line that names the class and the text, and the traceback if there is a real one. */
export function describeFailure({ type, value, traceback }: Failure): string {
  const hasTraceback = traceback !== "" && !traceback.startsWith("Traceback unavailable");
  return `${type}: ${value}${hasTraceback ? `\n${traceback}` : ""}`.slice(0, maxDescription);
}

/** Text of a value that is text or, from workers on Python 2, bytes; undefined for anything else. */
export function textOf(value: Received | undefined): string | undefined {
  if (typeof value === "string") return value;
  return Buffer.isBuffer(value) ? value.toString("utf8") : undefined;
}
