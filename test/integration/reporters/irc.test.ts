import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { Results } from "@multimaster/core";
import irc from "@multimaster/plugins/reporters/irc";
import { expect, it } from "vitest";
import { onCleanup } from "../../harness/cleanup.ts";
import { runningBuild } from "../../harness/masters-with-data.ts";
import { freePort } from "../../harness/ports.ts";
import { startProcess } from "../../harness/processes.ts";
import { reportOf, sendReport } from "../../harness/reports.ts";
import { startSchedulerCluster } from "../../harness/scheduler-masters.ts";
import { temporaryDirectory } from "../../harness/temporary-directory.ts";
import { waitFor } from "../../harness/wait-for.ts";
import { findBalancer } from "../../setup.mjs";

/** A real ngircd, and a user in the channel who reads along. */
async function startIrcServer(password?: string) {
  const port = await freePort();
  const file = join(temporaryDirectory("ngircd"), "ngircd.conf");
  const lock = password === undefined ? [] : [`Password = ${password}`];
  const global = [
    "[Global]",
    "Name = irc.example.org",
    "Info = test",
    "Listen = 127.0.0.1",
    `Ports = ${port}`,
    ...lock,
  ];
  const rest = ["[Limits]", "MaxConnectionsIP = 0", "[Options]", "DNS = no", "Ident = no", "PAM = no"];
  writeFileSync(file, `${[...global, ...rest].join("\n")}\n`, { mode: 0o644 });
  await startProcess({ name: "ngircd", command: findBalancer("ngircd") ?? "ngircd", args: ["-n", "-f", file] });
  const heard: string[] = [];
  await waitFor(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, "127.0.0.1");
        socket.on("error", () => resolve(false));
        socket.on("connect", () => {
          onCleanup(() => void socket.destroy());
          if (password !== undefined) socket.write(`PASS ${password}\r\n`);
          socket.write("NICK reader\r\nUSER reader 0 * :reader\r\nJOIN #builds\r\n");
          createInterface({ input: socket }).on("line", (line) => {
            heard.push(line);
            if (line.includes(" 366 ")) resolve(true);
          });
        });
      }),
    { what: "ngircd" },
  );
  return { port, heard };
}

it("a channel of a real ngircd gets a line for each report, also if the nickname is taken", async () => {
  const { port, heard } = await startIrcServer("pa55word");
  const options = { name: "irc", host: "127.0.0.1", port, tls: false, channels: ["#builds"] };
  await sendReport(irc({ ...options, nick: "builds", password: "pa55word" }), reportOf(Results.FAILURE));
  await sendReport(irc({ ...options, nick: "reader", password: "pa55word" }), reportOf(Results.SUCCESS));
  const said = () => heard.filter((line) => line.includes("PRIVMSG"));
  await waitFor(() => said().length >= 2, { what: "both lines" });
  expect(said().map((line) => line.replace(/!\S+/, ""))).toEqual([
    ":builds PRIVMSG #builds :web #81 fails now on main https://ci.example.org/#/builders/1/builds/81",
    ":reader_ PRIVMSG #builds :web #81 success on main https://ci.example.org/#/builders/1/builds/81",
  ]);
  await expect(
    sendReport(irc({ ...options, nick: "other", password: "wrong", timeout: 5 }), reportOf(Results.SUCCESS)),
  ).rejects.toMatchObject({ failure: { of: "target" } });
});

/** A server that answers each line by a function; resolves how many connections have ended. */
async function startFakeServer(answer: (line: string) => string) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("close", () => {
      state.ended++;
    });
    createInterface({ input: socket }).on("line", (line) => void socket.write(answer(line)));
  });
  const state = { port: await freePort(), ended: 0 };
  await new Promise<void>((resolve) => server.listen(state.port, "127.0.0.1", resolve));
  onCleanup(() => void server.close());
  return state;
}

/** A server that logs in, joins and takes lines, unless `refuse` answers one. */
const startChat = (refuse: (line: string) => string | undefined = () => undefined, said: string[] = []) =>
  startFakeServer((line) => {
    const refusal = refuse(line);
    if (refusal !== undefined) return refusal;
    if (line.startsWith("PRIVMSG")) said.push(line);
    if (line.startsWith("USER")) return ":s 001 builds :hello\r\n";
    if (line.startsWith("JOIN")) return `:s 366 builds ${line.slice(5)} :end\r\n`;
    return line.startsWith("PING") ? `:s PONG s :${line.slice(5)}\r\n` : "";
  });

const common = { name: "irc", host: "127.0.0.1", tls: false, nick: "builds" } as const;

it("a channel that refuses holds up no other; another master writes to it alone", async () => {
  const said: string[] = [];
  const full = new Set(["#b"]);
  const server = await startChat(
    (line) => (full.has(line.replace("JOIN ", "")) ? `:s 471 builds ${line.slice(5)} :full\r\n` : undefined),
    said,
  );
  const cluster = await startSchedulerCluster("sqlite");
  const slice = { reporters: [irc({ ...common, port: server.port, channels: ["#a", "#b", "#c"] })] };
  const first = await cluster.add(slice);
  await first.start();
  const idle = await cluster.add({});
  const member = { lease: idle.lease, updates: idle.data.updates, database: undefined as never };
  const end = async () => {
    const { buildid } = await runningBuild(member);
    await member.updates.builds.finish(buildid, { results: Results.SUCCESS, state: "fine" });
  };
  const channels = () => said.map((line) => line.split(" ")[1]);
  await end();
  const reports = () =>
    cluster.rows<{ state: string; problem: string | null }>("select state, problem from mm_reports");
  await waitFor(async () => (await reports())[0]?.problem != null, { what: "the refusal" });
  expect(await reports()).toEqual([{ state: "owed", problem: "127.0.0.1 refuses: #b :full" }]);
  expect(channels()).toEqual(["#a", "#c"]);
  await first.drain();
  await cluster.evict(first);
  full.clear();
  await (await cluster.add(slice)).start();
  const sent = (count: number) =>
    waitFor(async () => (await reports()).filter(({ state }) => state === "sent").length === count, {
      what: `${count} reports`,
    });
  await sent(1);
  expect(channels()).toEqual(["#a", "#c", "#b"]);
  await end();
  await sent(2);
  expect(channels().slice(3)).toEqual(["#a", "#b", "#c"]);
});

it("a login that the server refuses is said with its words; a nickname that is taken gets a tail, as long as the server takes it", async () => {
  const refused = (code: string, words: string) =>
    startChat((line) => (line.startsWith("NICK") ? `:s ${code} * ${words}\r\n` : undefined));
  for (const [code, words] of [
    ["431", ":No nickname given"],
    ["432", "builds :Erroneous nickname"],
    ["436", "builds :Nickname collision"],
  ] as const) {
    const server = await refused(code, words);
    await expect(
      sendReport(irc({ ...common, port: server.port, channels: ["#a"] }), reportOf(Results.SUCCESS)),
    ).rejects.toMatchObject({ message: `127.0.0.1 refuses: ${words}`, failure: { of: "target" } });
    await waitFor(() => server.ended === 1, { what: "the end of the connection" });
  }
  const asked: string[] = [];
  const taken = await startChat((line) => {
    if (!line.startsWith("NICK")) return line.startsWith("USER") ? "" : undefined;
    asked.push(line);
    return ":s 433 * builds :Nickname is already in use\r\n";
  });
  await expect(
    sendReport(irc({ ...common, port: taken.port, channels: ["#a"] }), reportOf(Results.SUCCESS)),
  ).rejects.toMatchObject({ message: "127.0.0.1 refuses: builds :Nickname is already in use" });
  expect(asked.slice(0, 2)).toEqual(["NICK builds", "NICK builds_"]);
  expect(asked).toHaveLength(25);
});

it("logLines shows the last lines of logs, eight at most; without it there are none", async () => {
  const report = { ...reportOf(Results.FAILURE), logTail: async (_: number, lines: number) => tail(lines) };
  const tail = (lines: number) => Array.from({ length: lines }, (_, i) => `line ${i + 1} of ${lines}`).join("\n");
  const shown = async (logLines?: number) => {
    const said: string[] = [];
    const { port } = await startChat(undefined, said);
    const more = logLines === undefined ? {} : { logLines };
    await sendReport(irc({ ...common, port, channels: ["#a"], ...more }), report);
    return said.slice(1).map((line) => line.replace("PRIVMSG #a :", ""));
  };
  expect(await shown()).toEqual([]);
  expect((await shown(2)).slice(-2)).toEqual(["line 1 of 2", "line 2 of 2"]);
  const most = await shown(20);
  expect([most.length, most[0], most[7]]).toEqual([8, "line 13 of 20", "line 20 of 20"]);
});

it("what a user writes passes for no answer of the server, and a refused channel leaves no connection open", async () => {
  const welcome = (line: string) => (line.startsWith("USER") ? ":s 001 builds :hello\r\n" : "");
  const pong = (line: string) => `:ann!a@b PRIVMSG #builds :it was 404 not found\r\n:s PONG s :${line.slice(5)}\r\n`;
  const talking = await startFakeServer((line) => {
    if (line.startsWith("JOIN")) return ":s 366 builds #builds :end\r\n";
    return line.startsWith("PING") ? pong(line) : welcome(line);
  });
  const options = { name: "irc", host: "127.0.0.1", tls: false, nick: "builds", channels: ["#builds"] };
  await sendReport(irc({ ...options, port: talking.port }), reportOf(Results.SUCCESS));
  const full = await startFakeServer((line) =>
    line.startsWith("JOIN") ? ":s 471 builds #builds :full\r\n" : welcome(line),
  );
  await expect(sendReport(irc({ ...options, port: full.port }), reportOf(Results.SUCCESS))).rejects.toMatchObject({
    failure: { of: "report" },
  });
  await waitFor(() => full.ended === 1, { what: "the end of the connection" });
});

it("a long message is a few lines, each as long as a server takes it, without a command of its own", async () => {
  const said: string[] = [];
  const server = await startFakeServer((line) => {
    if (line.startsWith("PRIVMSG") || line.startsWith("QUIT")) said.push(line);
    if (line.startsWith("USER")) return ":s 001 builds :hello\r\n";
    if (line.startsWith("JOIN")) return ":s 366 builds #builds :end\r\n";
    return line.startsWith("PING") ? `:s PONG s :${line.slice(5)}\r\n` : "";
  });
  const text = `${"ä".repeat(3000)}\r\nQUIT :gone\r\n\r\n${"more\n".repeat(50)}`;
  const options = { name: "irc", host: "127.0.0.1", port: server.port, tls: false, nick: "builds" };
  const message = () => ({ subject: "s", text });
  await sendReport(irc({ ...options, channels: ["#builds"], message }), reportOf(Results.SUCCESS));
  const lines = said.filter((line) => line.startsWith("PRIVMSG"));
  expect(lines.slice(1)).toEqual(["QUIT :gone", "more", "more", "more"].map((line) => `PRIVMSG #builds :${line}`));
  expect(Buffer.byteLength(lines[0] as string)).toBeLessThan(450);
  expect(lines[0]).toMatch(/^PRIVMSG #builds :ä+…$/);
  await waitFor(() => server.ended === 1, { what: "the end of the connection" });
  expect(said.filter((line) => line.startsWith("QUIT"))).toEqual(["QUIT :bye"]);
});
