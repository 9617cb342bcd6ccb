/** Starts our own worker, which the image has installed, with the login of its environment. */
export const startScript = [
  "umask 077",
  "password=$(mktemp)",
  'printf %s "$WORKER_PASSWORD" >"$password"',
  "unset WORKER_PASSWORD",
  'exec multimaster-worker start --master "$MASTER_URL" --name "$WORKER_NAME" --password-file "$password" \\',
  '  --basedir "${WORKER_BASEDIR:-/var/lib/multimaster-worker}"',
  "",
].join("\n");

/** The script with the login of one worker before it. */
export function writeUserData(
  script: string,
  { masterUrl, worker, secret }: { masterUrl: string; worker: string; secret: string },
): string {
  const login = { MASTER_URL: masterUrl, WORKER_NAME: worker, WORKER_PASSWORD: secret };
  const lines = Object.entries(login).map(([name, value]) => `export ${name}=${quote(value)}`);
  return `#!/bin/sh\n${lines.join("\n")}\n${script}`;
}

/** Text for sh, whatever it contains. */
function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
