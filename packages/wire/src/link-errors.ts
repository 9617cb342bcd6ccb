/** How a connection ended: the WebSocket close code (1006: without a close frame) and the reason, as far as known. */
export interface LinkEnd {
  readonly code: number;
  readonly reason: string;
}

/** The connection has ended; whether the request was carried out is unknown. */
export class LinkClosed extends Error {
  override name = "LinkClosed";
  readonly end: LinkEnd;

  constructor(end: LinkEnd) {
    super(`the connection was closed (${end.code}${end.reason === "" ? "" : `: ${end.reason}`})`);
    this.end = end;
  }
}

/** The other end answered a request with an exception; the message is its text. */
export class RemoteException extends Error {
  override name = "RemoteException";
}

/** The other end did not answer in time. */
export class RequestTimedOut extends Error {
  override name = "RequestTimedOut";
}

/** Thrown by a request handler: answered as an exception, but expected, so it is not logged as our own fault. */
export class RequestRefused extends Error {
  override name = "RequestRefused";
}
