export * from "./byte-port.ts";
export * from "./proxy-header.ts";
export * from "./served-certificate.ts";
