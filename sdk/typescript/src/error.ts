import { Metadata, status } from "@grpc/grpc-js";

import { SyscallError } from "./gen/rump_types.js";

/** The kernel's answer to a call that failed. */
export class RumpError extends Error {
  /** NetBSD's number; `code` is its name, as in the errors of node. */
  readonly errno: number;
  readonly code: string;
  /** The component that refused: kern, vfs, net, dev or gateway; connection for what arose on the way. */
  readonly origin: string;

  constructor(error: SyscallError) {
    super(error.text ? `${error.name}: ${error.text}` : error.name);
    this.name = "RumpError";
    this.errno = error.errno;
    this.code = error.name;
    this.origin = error.origin;
  }
}

const DETAILS = "grpc-status-details-bin";
const TYPE = "rump.sp.v1.SyscallError";

/** Origin of errors that arose between client and kernel. */
export const CONNECTION = "connection";

/** The connection is lost. */
export function lost(text: string): RumpError {
  return new RumpError({ errno: 57, name: "ENOTCONN", text, origin: CONNECTION });
}

/** The session has ended, and took with it what had no answer. */
export function stale(why: Error): RumpError {
  const text = `${why.message}; whether calls that had no answer were done is not known`;
  return new RumpError({ errno: 70, name: "ESTALE", text, origin: CONNECTION });
}

export function isLost(error: Error): boolean {
  return error instanceof RumpError && error.code === "ENOTCONN" && error.origin === CONNECTION;
}

/** Whether the gateway does not know the session: its lease has passed, or the gateway is another. */
export function isGone(error: Error): boolean {
  return error instanceof RumpError && (error.code === "ESTALE" || error.code === "EAUTH");
}

/** The kernel's error in an RPC that failed; without one the connection is lost. */
export function ofStatus(failure: Error & { code?: number; metadata?: Metadata }): RumpError {
  for (const value of failure.metadata?.get(DETAILS) ?? []) {
    const found = typeof value === "string" ? undefined : unpack(value);
    if (found !== undefined) {
      return new RumpError(found);
    }
  }
  if (failure.code === status.UNAUTHENTICATED) {
    return new RumpError({ errno: 80, name: "EAUTH", text: failure.message, origin: CONNECTION });
  }
  if (failure.code === status.DEADLINE_EXCEEDED) {
    return new RumpError({ errno: 60, name: "ETIMEDOUT", text: failure.message, origin: CONNECTION });
  }
  return lost(`the connection to the kernel is lost: ${failure.message}`);
}

/** Finds the SyscallError in a serialized google.rpc.Status: field 3 holds Any{1: type URL, 2: value}. */
function unpack(message: Uint8Array): SyscallError | undefined {
  for (const detail of fields(message, 3)) {
    const [url] = fields(detail, 1);
    const [value] = fields(detail, 2);
    if (url !== undefined && value !== undefined && Buffer.from(url).toString().endsWith(`/${TYPE}`)) {
      return SyscallError.decode(value);
    }
  }
  return undefined;
}

/** The length-delimited fields of a number in a message. */
function* fields(message: Uint8Array, wanted: number): Generator<Uint8Array> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; at < message.length; shift *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * shift;
      if (byte < 128) {
        break;
      }
    }
    return value;
  };
  while (at < message.length) {
    const tag = varint();
    const length = varint(); // of the value, or for a varint the value itself
    if (tag % 8 === 0) {
      continue;
    }
    if (tag % 8 !== 2 || at + length > message.length) {
      return;
    }
    if (tag >> 3 === wanted) {
      yield message.subarray(at, at + length);
    }
    at += length;
  }
}
