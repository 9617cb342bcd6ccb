/** What a test puts in the place of an operator's addresses. */
export interface HaproxyPlaces {
  /** The port to use on 127.0.0.1 for each port of the config's `bind` lines. */
  binds: Readonly<Record<number, number>>;
  /** Ports of 127.0.0.1 that stand behind each backend. */
  servers: Readonly<Record<string, readonly number[]>>;
  socket: string;
}

/** The config as an operator would adapt it: other ports and servers, the same settings. */
export function renderHaproxyConfig(text: string, { binds, servers, socket }: HaproxyPlaces): string {
  let backend = "";
  let done = new Set<string>();
  const seen = { binds: 0, backends: 0 };
  const lines = text.split("\n").flatMap((line) => {
    const section = /^(\w+) ?(\S*)/.exec(line);
    if (section) backend = section[1] === "backend" ? (section[2] ?? "") : "";
    if (/^\s+(user|group) /.test(line)) return [];
    // Twice as many file descriptors must be allowed: a test machine may have a low limit.
    if (/^\s+maxconn /.test(line)) return ["  maxconn 4000"];
    const bind = /^(\s+bind) :(\d+)(.*)$/.exec(line);
    if (bind) {
      seen.binds++;
      return [`${bind[1]} 127.0.0.1:${binds[Number(bind[2])]}${bind[3]}`];
    }
    if (!/^\s+server /.test(line)) return [line.replace("/run/haproxy/admin.sock", socket)];
    if (done.has(backend)) return [];
    done = done.add(backend);
    seen.backends++;
    return (servers[backend] ?? []).map((port, i) => `  server ${backend}-${i + 1} 127.0.0.1:${port}`);
  });
  if (seen.binds < 2 || seen.backends !== Object.keys(servers).length || !lines.join("\n").includes(socket))
    throw new Error("the HAProxy config of configs/deploy does not look as the harness expects");
  return lines.join("\n");
}
