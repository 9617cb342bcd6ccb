import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestImages } from "./images.ts";

const install = (...packages: string[]) =>
  `RUN apt-get update && apt-get install -y --no-install-recommends ${packages.join(" ")} && rm -rf /var/lib/apt/lists/*`;

/** What the entry point of PostgreSQL's image does with these variables. */
const startPostgres = `#!/bin/sh
set -e
data=/var/lib/postgresql/data
chown -R postgres:postgres "$data" /run/postgresql
as() { setpriv --reuid=postgres --regid=postgres --init-groups "$@"; }
if [ ! -e "$data/PG_VERSION" ]; then
  chmod 700 "$data"
  printf '%s' "$POSTGRES_PASSWORD" > /run/postgresql/password
  chown postgres /run/postgresql/password
  as initdb --pgdata="$data" --username="$POSTGRES_USER" --pwfile=/run/postgresql/password --auth=scram-sha-256 --auth-local=trust
  rm /run/postgresql/password
  echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
  as pg_ctl --pgdata="$data" --options="-c listen_addresses=''" --wait start
  as createdb --username="$POSTGRES_USER" "$POSTGRES_USER"
  as pg_ctl --pgdata="$data" --mode=fast --wait stop
fi
exec setpriv --reuid=postgres --regid=postgres --init-groups postgres -D "$data" -c listen_addresses='*'
`;

/** Debian's packages in the shape of the images that the compose file names, since tests reach no container registry. */
const standIns = {
  "postgres:16": `${install("postgresql")}
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin
RUN install -d -o postgres -g postgres /var/lib/postgresql/data /run/postgresql
COPY start-postgres /usr/local/bin/start-postgres
STOPSIGNAL SIGINT
CMD ["sh", "/usr/local/bin/start-postgres"]`,
  "haproxy:2.8": `${install("haproxy")}
STOPSIGNAL SIGUSR1
USER haproxy
CMD ["haproxy", "-W", "-db", "-f", "/usr/local/etc/haproxy/haproxy.cfg"]`,
  "python:3.12-slim": `${install("python3", "python3-pip", "python3-dev", "gcc", "libc6-dev")}
RUN rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && ln -s /usr/bin/python3 /usr/local/bin/python`,
} as const;

/** Builds them, each under the name that its user writes. */
export async function buildStandIns(images: TestImages): Promise<void> {
  const context = join(images.directory, "stand-ins");
  mkdirSync(context);
  writeFileSync(join(context, "start-postgres"), startPostgres);
  for (const [name, lines] of Object.entries(standIns)) {
    const file = join(context, name.split(":")[0] as string);
    writeFileSync(file, `FROM ${images.node}\n${lines}\n`);
    await images.docker(["build", "-f", file, "-t", `docker.io/library/${name}`, "."], { cwd: context });
  }
}
