import type { Plugin } from "vite";

/** Vite's plugin that takes one safeguard out of one source, or none. */
export function plantSource(given?: string): Plugin[];
