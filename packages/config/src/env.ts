/** The value of an environment variable, or `fallback` when it is not set; undefined without a fallback. */
export function env(name: string, fallback: string): string;
export function env(name: string): string | undefined;
export function env(name: string, fallback?: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === "" ? fallback : value;
}

/** A port from an environment variable, or `fallback`; 0 lets the system choose a free one. */
export function envPort(name: string, fallback: number): number {
  const value = env(name);
  return value === undefined ? fallback : Number(value);
}
