import { execFileSync } from "node:child_process";
import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { componentDirectory } from "../setup.mjs";
import { temporaryDirectory } from "./temporary-directory.ts";

/** PEM files of a certificate for 127.0.0.1 that is its own authority. */
export interface TestCertificate {
  readonly key: string;
  readonly certificate: string;
  /** Both in one file, as HAProxy wants them. */
  readonly both: string;
}

/** Node cannot make certificates; the router's Python can. */
const script = `
import datetime, ipaddress, sys
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
now = datetime.datetime.now(datetime.timezone.utc)
day = datetime.timedelta(days=1)
builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - 9 * day, now + float(sys.argv[3]) * day)
address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
authority = x509.BasicConstraints(ca=True, path_length=0)
certificate = builder.add_extension(address, False).add_extension(authority, True).sign(key, hashes.SHA256())
pem = serialization.Encoding.PEM
private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
for path, content in ((sys.argv[1], private), (sys.argv[2], certificate.public_bytes(pem))):
    with open(path, "wb") as file:
        file.write(content)
`;

/** Makes a new one, good for some days; a negative number: for as long it has not been good. */
export function makeCertificate(days = 1): TestCertificate {
  const directory = temporaryDirectory("certificate");
  const [key, certificate, both] = [
    join(directory, "key.pem"),
    join(directory, "certificate.pem"),
    join(directory, "both.pem"),
  ];
  execFileSync(join(componentDirectory("crossbar"), "bin", "python"), ["-c", script, key, certificate, `${days}`]);
  chmodSync(key, 0o600);
  writeFileSync(both, readFileSync(certificate, "utf8") + readFileSync(key, "utf8"));
  return { key, certificate, both };
}
