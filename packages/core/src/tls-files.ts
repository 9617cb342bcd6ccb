import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createSecureContext } from "node:tls";
import { explainFileError } from "./file-errors.ts";
import { readPrivateFile } from "./private-file.ts";

/** Where a server's certificate and its key are, both PEM. The certificate's file may contain its chain. */
export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** A certificate and its key, read and found to fit. */
export interface TlsMaterial {
  readonly cert: string;
  readonly key: string;
  readonly expires: Date;
  /** Other users of this machine can read the key. */
  readonly isKeyOpen: boolean;
}

/** A certificate that cannot be served: which file is at fault, and why. */
export class TlsFilesProblem extends Error {
  readonly at: keyof TlsFiles;

  constructor(at: keyof TlsFiles, why: string, cause?: unknown) {
    super(why, { cause });
    this.at = at;
  }
}

/** Reads a certificate and its key; throws a `TlsFilesProblem` if they cannot be served. Expiry is not a problem here. */
export async function readTlsFiles(files: TlsFiles): Promise<TlsMaterial> {
  const cert = await readFile(files.certificate, "utf8").catch((error: unknown) => {
    throw unreadable("certificate", files.certificate, error);
  });
  const { text: key, isOpen: isKeyOpen } = await readPrivateFile(files.key).catch((error: unknown) => {
    throw unreadable("key", files.key, error);
  });
  const leaf = attempt("certificate", `${files.certificate} contains no certificate in PEM form`, () => {
    return new X509Certificate(cert);
  });
  const privateKey = attempt("key", `${files.key} contains no private key in PEM form without a passphrase`, () =>
    createPrivateKey(key),
  );
  if (!leaf.checkPrivateKey(privateKey))
    throw new TlsFilesProblem("key", `${files.key} is not the key of the certificate in ${files.certificate}`);
  attempt("certificate", `${files.certificate} cannot be used for TLS`, () => createSecureContext({ cert, key }));
  return { cert, key, expires: new Date(leaf.validTo), isKeyOpen };
}

function unreadable(at: keyof TlsFiles, file: string, error: unknown): TlsFilesProblem {
  return new TlsFilesProblem(at, `${file} cannot be read: ${explainFileError(error) ?? String(error)}`, error);
}

function attempt<T>(at: keyof TlsFiles, why: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw new TlsFilesProblem(at, `${why} (${(error as Error).message})`, error);
  }
}
