import { NoServer } from "./postgresql-connect.ts";

/** Why a first connection failed, in words an operator can act on. */
export function explainConnectionError(error: unknown): string {
  if (error instanceof NoServer)
    return error.failures.map(({ host, error: why }) => `${host}: ${explainConnectionError(why)}`).join("; ");
  const causes = error instanceof AggregateError ? error.errors : [error];
  const first = (causes.find((cause) => cause instanceof Error) ?? error) as Error & {
    code?: string;
    hostname?: string;
  };
  switch (first.code) {
    case "ECONNREFUSED":
      return "connection refused";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `the host name ${first.hostname ?? ""} is unknown`.replace("  ", " ");
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "the host does not answer";
    case "ENOENT":
      return "there is no server at that socket";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return `its certificate is signed by no authority that this machine trusts (${first.message}); name the one that signed it with sslrootcert=FILE in the URL, or write sslmode=require to encrypt without verifying`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `its certificate is for another host name (${first.message}); sslmode=verify-ca does not look at the name`;
    default:
      // The server's own words are plain: password authentication failed for user "x", database "y" does not exist.
      return /timeout expired|connection timeout/i.test(first.message)
        ? "the host does not answer"
        : first.message.replace(/\.$/, "");
  }
}
