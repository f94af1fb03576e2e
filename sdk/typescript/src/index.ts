/**
 * Typed system calls on a rump kernel.
 *
 *     const k = await connect("unix:///run/k.sock");
 *     const fd = await k.sys.open("/etc/motd", O_RDONLY);
 *     const data = await k.sys.read(fd, 4096);
 *
 * Flags and families are NetBSD's (the constants below). Integers of 64 bits come as bigint, and go as number or bigint.
 */
export { type CallOptions, Connection, type Options, connect } from "./connection.js";
export * from "./const.js";
export { RumpError } from "./error.js";
export * from "./gen/rump_types.js";
export type { Call, Reference, Result } from "./gen/rump_sp.js";
export type { Retry } from "./retry.js";
export { Pub, Sys } from "./sys.js";
