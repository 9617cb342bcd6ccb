/** The part of autobahn 26.3.1 that is used here; its published types are for an older version. */
declare module "autobahn" {
  export interface Subscription {
    readonly id: number;
  }

  /** The router's answer to a refused request. It is not an `Error`. */
  export interface WampError {
    readonly error: string;
    readonly args: readonly unknown[];
  }

  export interface EventDetails {
    readonly topic: string;
  }

  export interface Session {
    readonly isOpen: boolean;
    readonly id: number;
    publish(topic: string, args: readonly unknown[], kwargs: undefined, options: { exclude_me: boolean }): void;
    subscribe(
      topic: string,
      handler: (args: readonly unknown[], kwargs: object, details: EventDetails) => void,
      options: { match: "exact" | "wildcard" },
    ): Promise<Subscription>;
    unsubscribe(subscription: Subscription): Promise<unknown>;
  }

  export interface CloseDetails {
    readonly reason: string | null;
    readonly message: string | null;
  }

  export interface ConnectionOptions {
    realm: string;
    authmethods?: string[];
    authid?: string;
    authextra?: Record<string, unknown>;
    onchallenge?: (session: Session, method: string, extra: { challenge?: string }) => string;
    transports: { type: string; url: string }[];
    max_retries: number;
    use_es6_promises: boolean;
    on_user_error: (error: unknown, message?: string) => void;
    on_internal_error: (error: unknown, message?: string) => void;
  }

  export class Connection {
    constructor(options: ConnectionOptions);
    onopen: (session: Session, details: object) => void;
    onclose: (reason: string, details: CloseDetails) => boolean;
    open(): void;
    close(): void;
  }

  /** The channel of a connection; the connection sets the three callbacks. */
  export interface Transport {
    readonly info: { type: string; url: string; protocol: string | null };
    onopen(): void;
    onmessage(message: unknown): void;
    onclose(event: { code: number; reason: string; wasClean: boolean }): void;
    send(message: unknown): void;
    close(code?: number, reason?: string): void;
  }

  const autobahn: {
    Connection: typeof Connection;
    transports: {
      register(type: string, factory: new (options: never) => { readonly type: string; create(): Transport }): void;
    };
    log: { warn: (...args: unknown[]) => void };
  };
  export default autobahn;
}
