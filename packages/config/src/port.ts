import { z } from "zod";

/** A port, or several of which a master takes the first free one: a list, or text such as "9989-9992" or "80,8080". */
export type PortChoice = number | readonly number[] | string;

const highest = 65_535;
const message = 'must be a port, a list of ports, or a range such as "9989-9992"';

/** Parses to the list of ports in the order in which they are tried. */
export const portChoice = z
  .custom<PortChoice>((value) => readPorts(value) !== undefined, { message })
  .transform((value): readonly number[] => readPorts(value) ?? []);

function readPorts(value: unknown): number[] | undefined {
  if (typeof value === "number") return isPort(value, 0) ? [value] : undefined;
  const ports = typeof value === "string" ? readText(value) : value;
  if (!Array.isArray(ports) || ports.length === 0 || !ports.every((port) => isPort(port, 1))) return undefined;
  return [...new Set(ports as number[])];
}

function isPort(value: unknown, lowest: number): boolean {
  return Number.isInteger(value) && (value as number) >= lowest && (value as number) <= highest;
}

/** Parses several ports from a text; a single port is a number. */
function readText(text: string): number[] | undefined {
  const parts = text.split(",").map((part) => /^\s*(\d{1,5})(?:\s*-\s*(\d{1,5}))?\s*$/.exec(part));
  if (parts.length === 1 && parts[0]?.[2] === undefined) return undefined;
  const ports: number[] = [];
  for (const part of parts) {
    if (part === null) return undefined;
    const first = Number(part[1]);
    const last = part[2] === undefined ? first : Number(part[2]);
    if (last < first || last > highest) return undefined;
    for (let port = first; port <= last; port++) ports.push(port);
  }
  return ports;
}
