import type { Logger } from "@multimaster/core";
import { FrameTime } from "../frame-time.ts";
import { LinkClosed, type LinkEnd, RequestRefused } from "../link-errors.ts";
import { PendingAnswers } from "../pending-answers.ts";
import type { Transport } from "../transport.ts";
import { BananaViolation, type Encodable, type Expression, loginLimits, workerLimits } from "./banana.ts";
import { BananaDecoder } from "./banana-decoder.ts";
import { encodeBanana } from "./banana-encoder.ts";
import { parseExpression, type Received as ReceivedExpression } from "./expressions.ts";
import { describeOwnFailure, isLoginRefusal } from "./failures.ts";
import { fromJelly } from "./from-jelly.ts";
import { type TextForm, toJelly } from "./to-jelly.ts";
import {
  CallRefused,
  OwnObject,
  type Received,
  ReceivedFailure,
  RemoteFailure,
  type Sendable,
  Tuple,
} from "./values.ts";

/** A call of the other end on an object of ours. */
export interface Call {
  readonly method: string;
  readonly args: readonly Received[];
  /** Size of the call on the wire. */
  readonly bytes: number;
}

/** An object that the other end may call; its methods are a fixed table. */
export type Methods = ReadonlyMap<string, Method>;
export type Method = (call: Call) => Sendable | Promise<Sendable>;

export interface BrokerOptions {
  log: Logger;
  /** Name of the other end, for the log. */
  peer: string;
  /** The object that is called by the name `root`. */
  root: Methods;
  /** The other end broke the protocol; the connection is closed. */
  onViolation(sentence: string): void;
}

const dialects = ["pb", "none"] as const;
const protocolVersion = 6;

/**
 * One connection of the Perspective Broker protocol at the master's end: calls objects of the worker, and answers the
 * worker's calls on objects of this end exactly once. Whatever breaks the protocol ends the connection with one log line.
 */
export class Broker {
  peer: string;
  /** How the other end takes texts in calls. */
  textForm: TextForm = "unicode";
  /** Resolves when the connection has ended. */
  readonly closed: Promise<LinkEnd>;
  /** Of the expression that is arriving. */
  readonly frame = new FrameTime();
  #transport: Transport;
  #log: Logger;
  #root: Methods;
  #onViolation: (sentence: string) => void;
  #decoder: BananaDecoder;
  #objects = new Map<number, Methods>();
  #lastObject = 0;
  #lastNumber = 0;
  readonly #answers = new PendingAnswers<Received>();
  /** The dialect was chosen; before that only its name is accepted. */
  #hasDialect = false;
  #usesVocabulary = false;
  /** The login was answered: limits are those of a worker, and errors are answered. */
  #admitted = false;
  #end: LinkEnd | undefined;
  #violation: string | undefined;

  constructor(transport: Transport, { log, peer, root, onViolation }: BrokerOptions) {
    this.peer = peer;
    this.#transport = transport;
    this.#log = log;
    this.#root = root;
    this.#onViolation = onViolation;
    this.#decoder = new BananaDecoder(loginLimits, (expression, bytes) => this.#receive(expression, bytes));
    this.closed = new Promise((resolve) => {
      transport.open({
        onFrame: (chunk) => this.#feed(chunk),
        onViolation: (_, sentence) => this.#violate(sentence),
        onClose: (end) => {
          this.#end = this.#violation === undefined ? end : { ...end, reason: this.#violation };
          this.#finish(this.#end);
          resolve(this.#end);
        },
      });
    });
    // A worker waits silently until the master has offered its dialects.
    this.#send([...dialects]);
  }

  get isOpen(): boolean {
    return this.#end === undefined && this.#violation === undefined;
  }

  /** A dialect was chosen: whatever is at the other end speaks this protocol. */
  get hasDialect(): boolean {
    return this.#hasDialect;
  }

  /** The other end has logged in: from now on the limits are those of a worker. */
  admit(peer: string): void {
    this.peer = peer;
    this.#admitted = true;
    this.#decoder.limits = workerLimits;
  }

  /** Makes an object callable by the other end. */
  publish(methods: Methods): OwnObject {
    this.#lastObject += 1;
    this.#objects.set(this.#lastObject, methods);
    return new OwnObject(this.#lastObject);
  }

  /** Calls on the object are refused from now on. Its number is not used again. */
  retire({ id }: OwnObject): void {
    this.#objects.delete(id);
  }

  /** Calls an object of the other end; rejects with RemoteFailure, RequestRefused, RequestTimedOut or LinkClosed. */
  call(object: number, method: string, args: readonly Sendable[], timeoutMs?: number): Promise<Received> {
    if (!this.isOpen) return Promise.reject(new LinkClosed(this.#end ?? { code: 1006, reason: this.#violation ?? "" }));
    let packed: Encodable;
    try {
      packed = toJelly(new Tuple(...args), method, this.textForm);
    } catch (error) {
      return Promise.reject(error);
    }
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    const answer = this.#answers.wait(number, this.peer, method, timeoutMs);
    this.#send(["message", number, object, method, 1, packed, ["dictionary"]]);
    return answer;
  }

  close(reason = ""): void {
    if (this.isOpen) this.#transport.close(1000, reason);
  }

  terminate(): void {
    if (this.#end === undefined) this.#transport.terminate();
  }

  pause(): void {
    this.#transport.pause();
  }

  resume(): void {
    this.#transport.resume();
  }

  #feed(chunk: Uint8Array): void {
    if (!this.isOpen) return;
    try {
      this.frame.take(chunk.length, performance.now());
      this.#decoder.feed(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
      if (!this.#decoder.isWithin) this.frame.reset();
    } catch (error) {
      if (!(error instanceof BananaViolation)) throw error;
      this.#violate(error.message);
    }
  }

  #receive(expression: Expression, bytes: number): void {
    this.frame.reset();
    // The rest of a chunk after a violation.
    if (!this.isOpen) return;
    if (!this.#hasDialect) return this.#takeDialect(expression);
    const received = parseExpression(expression);
    switch (received.kind) {
      case "version":
        if (received.version !== protocolVersion) throw new BananaViolation("its protocol version is not 6");
        return;
      case "message":
        return this.#takeCall(received, bytes);
      case "answer":
        return this.#settle(received.number, fromJelly(received.value));
      case "error":
        return this.#settle(received.number, fromJelly(received.value), true);
      case "ignored":
        return;
    }
  }

  #takeDialect(expression: Expression): void {
    const dialect = Buffer.isBuffer(expression) ? expression.subarray(0, 8).toString("latin1") : "";
    if (dialect !== "pb" && dialect !== "none") throw new BananaViolation("it chose no dialect that was offered");
    this.#hasDialect = true;
    this.#usesVocabulary = dialect === "pb";
    this.#decoder.usesVocabulary = this.#usesVocabulary;
    this.#send(["version", protocolVersion]);
  }

  #takeCall(message: ReceivedExpression & { kind: "message" }, bytes: number): void {
    const { number, object, method, wantsAnswer } = message;
    const answer = (value: Sendable): void => {
      if (wantsAnswer) this.#send(["answer", number, toJelly(value)]);
    };
    const refuse = (error: unknown): void => {
      if (!(error instanceof RequestRefused))
        this.#log.error({ peer: this.peer, method, err: error }, `${this.peer}: answering "${method}" failed`);
      // Before the login is answered, every error but one ends the worker's process.
      if (!this.#admitted && !isLoginRefusal(error)) return this.#violate(`"${method}" failed before the login`);
      if (wantsAnswer) this.#send(["error", number, describeOwnFailure(error)]);
    };
    try {
      const args = fromJelly(message.args);
      if (!Array.isArray(args)) throw new BananaViolation("a call has no list of arguments");
      const result = this.#findMethod(object, method)({ method, args, bytes });
      if (result instanceof Promise) result.then(answer).catch(refuse);
      else answer(result);
    } catch (error) {
      if (error instanceof BananaViolation) {
        if (this.#admitted) refuse(new CallRefused("twisted.spread.jelly.InsecureJelly", error.message));
        throw error;
      }
      refuse(error);
    }
  }

  #findMethod(object: number | "root", method: string) {
    const methods = object === "root" ? this.#root : this.#objects.get(object);
    if (methods === undefined)
      throw new CallRefused("twisted.spread.pb.DeadReferenceError", "this object does not exist any more");
    const found = methods.get(method);
    if (found === undefined)
      throw new CallRefused("twisted.spread.flavors.NoSuchMethod", `no such method: ${method.slice(0, 100)}`);
    return found;
  }

  #settle(number: number, value: Received, isError = false): void {
    const call = this.#answers.take(number);
    if (!isError) return call?.resolve(value);
    const failure =
      value instanceof ReceivedFailure
        ? value.failure
        : { type: "an unknown exception", value: typeof value === "string" ? value.slice(0, 1000) : "", traceback: "" };
    call?.reject(new RemoteFailure(failure));
  }

  #send(expression: Encodable): void {
    if (this.isOpen) this.#transport.send(encodeBanana(expression, this.#usesVocabulary));
  }

  #violate(sentence: string): void {
    if (!this.isOpen) return;
    this.#violation = sentence;
    this.#onViolation(`${this.peer}: ${sentence}; the connection is closed`);
    // After the answers that are already written, such as the refusal of the call that broke the protocol.
    this.#transport.close(1002, sentence);
  }

  #finish(end: LinkEnd): void {
    this.#answers.end(new LinkClosed(end));
    this.#objects.clear();
  }
}
